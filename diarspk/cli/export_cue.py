"""``diarspk export-cue``: a speaker as synthesis systems read it."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import diarspk
from diarspk.cli.terminal import exit_on_error, say

__all__ = ["System", "export_cue"]


class System(str, Enum):
    """A system that reads speaker vectors from files."""

    COQUI = "coqui"
    XTTS = "xtts"
    COSYVOICE = "cosyvoice"
    SPEECHT5 = "speecht5"
    NEMO = "nemo"
    NUMPY = "numpy"


def export_cue(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="AUDIO...", help="Recordings of one speaker.")
    ],
    system: Annotated[System, typer.Option("--for", help="The system that is to read it.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Suffix as the system reads it.")
    ],
    speaker: Annotated[
        str | None, typer.Option(help="Name; without it, that of the first recording.")
    ] = None,
    trained_on: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="The encoder that your copy of the system was trained with: fingerprint, name or "
            "path.",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="ALIGNMENT", help="Map the vectors first; from `align fit`."),
    ] = None,
    latents: Annotated[
        Path | None, typer.Option(help="XTTS's conditioning latents, (1, T, 1024) as .npy or .pt.")
    ] = None,
    drop_outliers: Annotated[
        bool, typer.Option("--drop-outliers", help="Leave out recordings that do not fit.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="Encoder: a name that `diarspk models` lists, or a path.")
    ] = None,
) -> None:
    """Write the vector of a speaker, with a card that names its embedding space beside it.

    A vector of another space than the system's is refused, also where the dimension is equal.
    """
    with exit_on_error():
        from diarspk.cues.export import export_cue as write
        from diarspk.cues.export import read_references
        from diarspk.cues.export.layouts import read_latents

        extra = None if latents is None else read_latents(latents)
        encoder = diarspk.load_encoder(model)
        found = read_references(speaker or recordings[0].stem, recordings, encoder, model or "")
        profile = found.profile
        for index in profile.outliers:
            say(
                f"warning: {found.files[index]}: does not fit the other recordings, cosine "
                f"{profile.similarities[index]:.2f}"
                + ("; left out" if drop_outliers else "; --drop-outliers leaves it out")
            )
        if drop_outliers:
            found = found.without_outliers()
        if adapter is not None:
            from diarspk.verification.alignment import read_alignment

            found = found.mapped(read_alignment(adapter).map_from(encoder.fingerprint))
        known = None if trained_on is None else _fingerprint(trained_on)
        write(system.value, found, output, trained_on=known, latents=extra)


def _fingerprint(encoder: str) -> str:
    """Fingerprint as it is, or that of an encoder by name or path."""
    if re.fullmatch("[0-9a-f]{16,64}", encoder):
        return encoder
    return diarspk.load_encoder(encoder).fingerprint
