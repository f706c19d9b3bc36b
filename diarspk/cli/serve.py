"""``diarspk serve``: the server."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from diarspk.cli.diarization_work import named_diarizer
from diarspk.cli.options import (
    Asr,
    Boundaries,
    Clusterer,
    ConfigFile,
    Device,
    DiarizerEncoder,
    GalleryFolder,
    Precision,
    Preset,
    Segmentation,
    Threshold,
)
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, say
from diarspk.cli.threads import share_threads
from diarspk.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from diarspk.server import ServerSettings

__all__ = ["serve"]

LOCAL = ("127.0.0.1", "localhost", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve on. Others than this machine's need --keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keys of clients, one in a line; also from the environment, DIARSPK_API_KEYS.",
        ),
    ] = None,
    no_keys: Annotated[
        bool, typer.Option("--no-keys", help="Let everybody in who reaches the address.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of jobs, results and uploads. Default: diarspk in the user's folder of "
            "state ($XDG_STATE_HOME).",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Recordings side by side; they share models and cores.")
    ] = 1,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that wait; more are told to try again (429).")
    ] = 100,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs that wait; more get 429.")] = 1000,
    connections: Annotated[
        int, typer.Option(min=1, help="Requests that are open at once; more get 429.")
    ] = 200,
    streams: Annotated[int, typer.Option(min=0, help="Live streams at once.")] = 8,
    max_upload: Annotated[
        int, typer.Option(min=1, metavar="MIB", help="Size of a request in MiB.")
    ] = 1024,
    max_stored: Annotated[
        int, typer.Option(min=1, metavar="MIB", help="Size of all stored uploads in MiB.")
    ] = 20480,
    max_hours: Annotated[
        float, typer.Option(min=0.001, help="Length of a recording in hours, as decoded.")
    ] = 12.0,
    timeout: Annotated[
        float, typer.Option(min=1.0, help="Seconds that a request may take, or a job compute.")
    ] = 3600.0,
    keep_hours: Annotated[
        float, typer.Option(min=0.0, help="Hours after which results and uploads are deleted.")
    ] = 24.0,
    grace: Annotated[
        float, typer.Option(min=0.0, help="Seconds for work to end when the server is stopped.")
    ] = 30.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name by which clients call this server; repeatable; * for any."),
    ] = None,
    public_url: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Address by which clients call, where a proxy stands before it."
        ),
    ] = "",
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Origin of web pages that may call it, https://...; repeatable."),
    ] = None,
    allow_urls: Annotated[
        bool,
        typer.Option(
            "--allow-urls",
            help="Fetch recordings from, and send webhooks to, URLs of public addresses that "
            "clients name.",
        ),
    ] = False,
    webhook_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST[:PORT]",
            help="Host to which webhooks may go whatever its address is; repeatable. They are "
            "signed with DIARSPK_WEBHOOK_SECRET of the environment.",
        ),
    ] = None,
    preset: Preset = None,
    encoder: DiarizerEncoder = None,
    segmentation: Segmentation = None,
    clusterer: Clusterer = None,
    threshold: Threshold = None,
    boundaries: Boundaries = None,
    config: ConfigFile = None,
    gallery: GalleryFolder = None,
    asr: Asr = None,
    precision: Precision = "auto",
    device: Device = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log errors alone.")] = False,
) -> None:
    """Serve diarization over HTTP, to clients of OpenAI and pyannoteAI among others."""
    with exit_on_error():
        try:
            from diarspk.server.keys import KeyRing
            from diarspk.server.settings import Limits, ServerSettings

            ring = KeyRing.read(keys)
            _check_access(host, bool(ring), no_keys)
            settings = ServerSettings(
                data or _state_folder(),
                Limits(
                    workers=workers,
                    waiting=queue,
                    connections=connections,
                    jobs=jobs,
                    upload_bytes=max_upload << 20,
                    stored_bytes=max_stored << 20,
                    audio_s=max_hours * 3600,
                    work_s=timeout,
                    streams=streams,
                ),
                keys=ring,
                hosts=(*LOCAL, *_names(host, public_url), *map(str.lower, allow_host or [])),
                public_url=public_url,
                origins=tuple(allow_origin or ()),
                allow_urls=allow_urls,
                webhook_hosts=tuple(webhook_host or ()),
                webhook_secret=os.environ.get("DIARSPK_WEBHOOK_SECRET", ""),
                keep_s=keep_hours * 3600,
                grace_s=grace,
            )
            models: dict[str, Any] = {
                "encoder": named_diarizer(preset, encoder),
                "segmentation": segmentation,
                "clusterer": clusterer,
                "threshold": threshold,
                "boundaries": None if boundaries is None else boundaries.value,
                "config": config,
                "gallery": gallery,
                "transcriber": asr,
                "precision": precision,
                "device": device,
            }
            _serve(settings, _bind(host, port), models, quiet)
        except ImportError as error:
            raise ModelError(
                f"the server needs the package {error.name}; install diarspk[server]"
            ) from None


def _serve(
    settings: ServerSettings, bound: socket.socket, models: dict[str, Any], quiet: bool
) -> None:
    with quick_imports():
        from diarspk.server.application import create_app
        from diarspk.server.running import run_server, set_up_log
        from diarspk.server.speech_engine import SpeechEngine

        share_threads(settings.limits.workers)
        engine = SpeechEngine.load(**models)
    application = create_app(settings, engine)
    # Uploads that are being received have no name, but need the room of a disk.
    tempfile.tempdir = str(settings.data)
    set_up_log(quiet)
    address, port = bound.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    say(f"serving on http://{shown}:{port} (Ctrl-C stops it)")
    run_server(application, bound)


def _check_access(host: str, keys: bool, no_keys: bool) -> None:
    """Refuse to let strangers in by mistake."""
    if keys and no_keys:
        raise typer.BadParameter("--no-keys goes without keys; DIARSPK_API_KEYS may hold some")
    if not keys and not no_keys and host not in LOCAL:
        raise typer.BadParameter(
            f"--host {host} is in reach of other machines: give --keys FILE, or --no-keys"
        )


def _bind(host: str, port: int) -> socket.socket:
    """Bind the address before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while attempting")[0]
        raise ArgumentError(
            f"{host}:{port} cannot be served on ({reason}); give another --port"
        ) from None


def _names(host: str, public_url: str) -> list[str]:
    """Names by which clients call: the address, unless it is every one, and that of a proxy."""
    names = [] if host in EVERY_ADDRESS else [host.lower()]
    if not public_url:
        return names
    try:
        parts = urlsplit(public_url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise typer.BadParameter(f"--public-url must be https://HOST, got {public_url}")
    return [*names, parts.hostname]


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "diarspk"
