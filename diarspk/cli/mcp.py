"""``diarspk mcp``: tools for assistants that speak the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from diarspk.cli.terminal import exit_on_error
from diarspk.errors import ModelError

__all__ = ["mcp"]


def mcp(
    allow: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR", help="Folder that the assistant may read and write in; repeatable."
        ),
    ],
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
) -> None:
    """Serve tools to an assistant over stdin and stdout (MCP)."""
    name = named_diarizer(preset, encoder)
    with exit_on_error():
        try:
            with quick_imports():
                from diarspk.mcp_server.allowed_folders import AllowedFolders
                from diarspk.mcp_server.server import create_mcp_server
                from diarspk.mcp_server.tools import ToolContext
                from diarspk.server.speech_engine import SpeechEngine
                from diarspk.server.thread_warnings import collecting_warnings

                folders = AllowedFolders.of(allow)
                engine = SpeechEngine.load(
                    name,
                    segmentation=segmentation,
                    clusterer=clusterer,
                    threshold=threshold,
                    boundaries=None if boundaries is None else boundaries.value,
                    config=config,
                    gallery=gallery,
                    transcriber=asr,
                    precision=precision,
                    device=device,
                )
            with collecting_warnings():
                create_mcp_server(ToolContext(folders, engine)).run()
        except ImportError as error:
            raise ModelError(
                f"the MCP server needs the package {error.name}; install diarspk[mcp]"
            ) from None
