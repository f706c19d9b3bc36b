"""``diarspk models``: list of the available models."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from diarspk.cli.json_text import json_text
from diarspk.cli.table import aligned
from diarspk.cli.terminal import exit_on_error

__all__ = ["models"]


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the available models, with size, source and fingerprint."""
    with exit_on_error():
        from diarspk.models import available_models

        cards = available_models()
    if as_json:
        print(json_text([asdict(card) for card in cards], indent=2))
        return
    header = ["name", "kind", "parameters", "dimension", "hop (s)", "MB", "fingerprint", "source"]
    rows = [
        [
            card.name,
            card.kind,
            f"{card.parameters:,}",
            f"{card.dimension}",
            f"{card.frame_hop:.3f}",
            f"{card.size_bytes / 1e6:.1f}",
            card.fingerprint,
            card.source,
        ]
        for card in cards
    ]
    print(aligned(header, rows))
