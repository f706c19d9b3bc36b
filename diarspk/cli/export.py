"""Export of speaker vectors and encoders: ``diarspk export-cue`` and ``export-encoder``."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import diarspk
from diarspk.cli.options import Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.terminal import exit_on_error, say

__all__ = ["System", "export_cue", "export_encoder"]


class System(str, Enum):
    """Target system of an exported speaker vector; see :data:`diarspk.cues.export.TARGETS`."""

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
    system: Annotated[System, typer.Option("--for", help="Target system.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Output; the suffix gives the format."),
    ],
    speaker: Annotated[
        str | None, typer.Option(help="Name of the speaker. Default: that of the first recording.")
    ] = None,
    trained_on: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="Encoder that your copy of the target system was trained with: fingerprint, name "
            "or path.",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="ALIGNMENT", help="Alignment to apply first; from `align fit`."),
    ] = None,
    latents: Annotated[
        Path | None,
        typer.Option(help="Conditioning latents of XTTS, (1, T, 1024), as .npy or .pt."),
    ] = None,
    drop_outliers: Annotated[
        bool, typer.Option("--drop-outliers", help="Leave out recordings unlike the others.")
    ] = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Export a speaker vector to the file format of a speech synthesis system.

    A card beside the file names the embedding space. A vector of another space than that of the
    target system is refused, even if the dimension is the same.
    """
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    with exit_on_error():
        from diarspk.cues.export import export_cue as write
        from diarspk.cues.export import read_references
        from diarspk.cues.export.layouts import read_latents

        extra = None if latents is None else read_latents(latents)
        opened = [reader.open(recording) for recording in recordings]
        loaded = diarspk.load_encoder(encoder, device=device)
        name = speaker or stem(recordings[0])
        references = read_references(
            name, [str(one) for one in recordings], loaded, encoder or "", opened
        )
        profile = references.profile
        for index in profile.outliers:
            say(
                f"warning: {references.files[index]}: does not fit the other recordings, cosine "
                f"{profile.similarities[index]:.2f}"
                + ("; left out" if drop_outliers else "; --drop-outliers leaves it out")
            )
        if drop_outliers:
            references = references.without_outliers()
        if adapter is not None:
            from diarspk.verification.alignment import read_alignment

            references = references.mapped(read_alignment(adapter).map_from(loaded.fingerprint))
        known = None if trained_on is None else _fingerprint(trained_on)
        write(system.value, references, output, trained_on=known, latents=extra)


def _fingerprint(encoder: str) -> str:
    """Fingerprint given as such, or that of an encoder given by name or path."""
    if re.fullmatch("[0-9a-f]{16,64}", encoder):
        return encoder
    return diarspk.load_encoder(encoder).fingerprint


def export_encoder(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="Output file.")
    ],
    encoder: Encoder = None,
) -> None:
    """Export an encoder to ONNX, features included: waveform in, unit vector out."""
    if output.suffix != ".onnx":
        raise typer.BadParameter(f"-o takes a .onnx file, got {output}")
    with exit_on_error():
        from diarspk.encoders.onnx import export_encoder as export

        loaded = diarspk.load_encoder(encoder)
        output.parent.mkdir(parents=True, exist_ok=True)
        export(loaded, output)
    say(f"{output}: {loaded.dimension} dimensions at {loaded.sample_rate} Hz")
