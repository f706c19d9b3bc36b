"""Settings of the server: limits, keys, and what it may reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from diarspk.arguments import check_count, check_number
from diarspk.server.keys import KeyRing

__all__ = ["Limits", "ServerSettings"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much one client, and all of them together, may ask for.

    Attributes
    ----------
    workers : int
        Recordings that are computed side by side; they share the cores and the models.
    waiting : int
        Requests that wait for a worker; one more is refused with status 429.
    connections : int
        Requests that are open at once, those that still send their bytes included.
    jobs : int
        Jobs that wait for a worker; one more is refused with status 429.
    upload_bytes : int
        Size of a request.
    stored_bytes : int
        Size of all uploaded recordings together that wait for jobs.
    audio_s : float
        Seconds of a recording, as decoded: a header is not taken at its word.
    work_s : float
        Seconds that a request may wait and compute, and that a job may compute.
    silence_s : float
        Seconds without a byte after which a client that sends slowly is given up, and for all of
        the head of a request.
    streams : int
        Live streams at once.
    """

    workers: int = 1
    waiting: int = 100
    connections: int = 200
    jobs: int = 1000
    upload_bytes: int = 1024 * MEBIBYTE
    stored_bytes: int = 20 * 1024 * MEBIBYTE
    audio_s: float = 12 * 3600.0
    work_s: float = 3600.0
    silence_s: float = 30.0
    streams: int = 8

    def __post_init__(self) -> None:
        for name in ("workers", "connections", "jobs", "upload_bytes", "stored_bytes"):
            check_count(getattr(self, name), name)
        for name in ("waiting", "streams"):
            check_count(getattr(self, name), name, minimum=0)
        for name in ("audio_s", "work_s", "silence_s"):
            check_number(getattr(self, name), name, minimum=0.001)


@dataclass(frozen=True)
class ServerSettings:
    """Settings of the server.

    Attributes
    ----------
    data : Path
        Folder of jobs, their results, and uploads. One server at a time uses it.
    limits : Limits
    keys : KeyRing
        Keys of which a client must show one; an empty ring lets everybody in.
    hosts : tuple of str
        Names by which clients may call the server, without a port; ``*`` for any. Others are
        refused, so that no page in a browser reaches a local server by a name of its own.
    public_url : str
        Address by which clients call, where a proxy stands before the server; uploads are sent
        there. Default: the one that a request came to.
    origins : tuple of str
        Origins of web pages that may call it, such as ``https://notes.example``.
    allow_urls : bool
        Whether jobs may name recordings and webhooks by URLs of public addresses.
    webhook_hosts : tuple of str
        Hosts, ``name`` or ``name:port``, to which webhooks go whatever their address is.
    webhook_secret : str
        Key with which webhooks are signed; they are not signed without one.
    webhook_delays_s : tuple of float
        Seconds before each further try of a webhook that failed.
    keep_s : float
        Seconds after which finished jobs, their results and uploads are deleted.
    grace_s : float
        Seconds that work has to end when the server is stopped; then jobs are queued anew.
    """

    data: Path
    limits: Limits = field(default_factory=Limits)
    keys: KeyRing = field(default_factory=KeyRing)
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    public_url: str = ""
    origins: tuple[str, ...] = ()
    allow_urls: bool = False
    webhook_hosts: tuple[str, ...] = ()
    webhook_secret: str = field(default="", repr=False)
    webhook_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    keep_s: float = 24 * 3600.0
    grace_s: float = 30.0
