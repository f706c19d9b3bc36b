"""The commands, gathered into one application."""

from __future__ import annotations

from typing import Annotated

import typer

from diarspk.cli.align import align
from diarspk.cli.combine import combine
from diarspk.cli.diarize import diarize
from diarspk.cli.embed import embed
from diarspk.cli.export_cue import export_cue
from diarspk.cli.export_encoder import export_encoder
from diarspk.cli.extract import extract
from diarspk.cli.gallery import gallery
from diarspk.cli.lint import lint
from diarspk.cli.models import models
from diarspk.cli.score import score
from diarspk.cli.terminal import spoken_warnings
from diarspk.cli.verify import verify
from diarspk.version import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="diarspk",
    help="Who spoke when: speaker diarization and speaker embeddings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in (
    *(diarize, extract, embed, verify, score, combine, lint),
    *(export_cue, export_encoder, models),
):
    app.command()(_command)
app.add_typer(gallery, name="gallery")
app.add_typer(align, name="align")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"diarspk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before the command."""


def main() -> None:
    """Run the command line; the entry point that the package installs as ``diarspk``."""
    with spoken_warnings():
        app()
