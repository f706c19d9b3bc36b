"""List the available models, or download public ones."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.json_text import json_text
from diarspk.cli.options import Quiet
from diarspk.cli.table import aligned
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    from diarspk.models import ModelCard

__all__ = ["models"]

models = typer.Typer(
    help="List the available models, or download public ones.", add_completion=False
)

HEADER = (
    *("name", "kind", "task", "parameters", "dimension"),
    *("MB", "licence", "here", "fingerprint", "source"),
)


@models.callback(invoke_without_command=True)
def list_models(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list with every fact.")
    ] = False,
) -> None:
    """List the available models: embedded ones, public checkpoints, architectures without weights.

    Under "here", `no` is a public checkpoint that `diarspk models download NAME` brings, and
    `unsupported` one whose network this version does not have.
    """
    if context.invoked_subcommand is not None:
        return
    with exit_on_error():
        from diarspk.models import available_models

        cards = available_models()
    if as_json:
        print(json_text([asdict(card) for card in cards], indent=2))
    else:
        print(aligned(HEADER, [_row(card) for card in cards]))


@models.command("download")
def download(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="Public models that `diarspk models` lists, or presets."
        ),
    ],
    quiet: Quiet = False,
) -> None:
    """Download public models; what is here already is checked and kept."""
    with exit_on_error():
        from diarspk.catalogue.fetching import download_models
        from diarspk.catalogue.presets import with_parts

        download_models(with_parts(names), quiet=quiet, tell=None if quiet else say)


def _row(card: ModelCard) -> list[str]:
    size, parameters = card.size_bytes, card.parameters
    here = "yes" if card.downloaded else "no"
    if card.kind == "architecture":
        here = "-"
    return [
        card.name,
        card.kind,
        card.task,
        "-" if parameters is None else f"{parameters:,}",
        "-" if card.dimension is None else f"{card.dimension}",
        "-" if size is None else f"{size / 1e6:.1f}",
        card.licence if card.commercial_use else f"{card.licence} (no commercial use)",
        "unsupported" if card.missing else here,
        card.fingerprint or "-",
        card.source,
    ]
