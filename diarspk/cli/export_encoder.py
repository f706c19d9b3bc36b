"""``diarspk export-encoder``: an encoder as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import diarspk
from diarspk.cli.terminal import exit_on_error, say

__all__ = ["export_encoder"]


def export_encoder(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="File to write.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Encoder: a name that `diarspk models` lists, or a path.")
    ] = None,
) -> None:
    """Write an encoder to ONNX, features included: waveform in, unit vector out."""
    if output.suffix != ".onnx":
        raise typer.BadParameter(f"-o takes a .onnx file, got {output}")
    with exit_on_error():
        from diarspk.encoders.onnx import export_encoder as export

        encoder = diarspk.load_encoder(model)
        output.parent.mkdir(parents=True, exist_ok=True)
        export(encoder, output)
    say(f"{output}: {encoder.dimension} dimensions at {encoder.sample_rate} Hz")
