"""Export of speaker vectors and encoders: ``diarspk export-cue`` and ``export-encoder``."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import diarspk
from diarspk.cli.diarized_voice import check_label, read_diarization
from diarspk.cli.exported_vectors import (
    embed_recordings,
    embed_speaker,
    extract_voice_cue,
    map_cue,
    without_outliers,
)
from diarspk.cli.kept_inputs import keep_inputs
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
    CUE = "cue"


def export_cue(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="AUDIO...",
            help="Recordings of one speaker, or with --diarization one recording of several.",
        ),
    ],
    system: Annotated[
        System,
        typer.Option(
            "--for",
            help="Target system: one of synthesis; any program that reads NumPy's arrays; or a "
            "whole cue, with an embedding for each frame and the prosody.",
        ),
    ] = System.NUMPY,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Output; the suffix gives the format. Default: named after recording and speaker.",
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            help="Name of the speaker. Default: that of the first recording. With --diarization, "
            "the label of the one to take, such as SPEAKER_01."
        ),
    ] = None,
    diarization: Annotated[
        Path | None,
        typer.Option(
            metavar="RTTM",
            help="Who speaks when in the recording (RTTM, or JSON of `diarize`): only speech of "
            "--speaker is taken, and only where nobody else talks.",
        ),
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
    target system is refused, even if the dimension is the same. For a clip of the voice with its
    words, see `diarspk export-voice`.
    """
    if diarization is not None and len(recordings) != 1:
        raise typer.BadParameter(
            f"--diarization goes with the one recording that it is of, got {len(recordings)}"
        )
    if system is System.CUE and (len(recordings) != 1 or trained_on or latents or drop_outliers):
        raise typer.BadParameter(
            "--for cue takes one recording, and no --trained-on, --latents or --drop-outliers"
        )
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    with exit_on_error():
        from diarspk.cues.export import export_cue as write
        from diarspk.cues.export import export_whole_cue
        from diarspk.cues.export.layouts import read_latents

        keep_inputs(output, [*recordings, diarization, adapter, latents])
        extra = None if latents is None else read_latents(latents)
        annotation, stream = None, None
        if diarization is not None:
            stream = reader.open(recordings[0])  # once: a pipe gives its bytes once
            annotation = read_diarization(diarization, stream)
            speaker = check_label(annotation, speaker, diarization)
        loaded = diarspk.load_encoder(encoder, device=device)
        known_as = loaded.origin or encoder or ""
        file = output or _default_output(
            system.value, recordings[0], None if annotation is None else speaker
        )
        if system is System.CUE:
            cue = extract_voice_cue(
                recordings[0], speaker, annotation, loaded, known_as, reader, stream
            )
            export_whole_cue(map_cue(cue, adapter), speaker or stem(recordings[0]), file)
            if output is None:
                print(file)
            return
        if annotation is None or speaker is None or stream is None:
            name = speaker or stem(recordings[0])
            references = embed_recordings(recordings, name, loaded, known_as, reader)
        else:
            references = embed_speaker(recordings[0], speaker, annotation, loaded, known_as, stream)
        references = without_outliers(references, drop_outliers)
        if adapter is not None:
            from diarspk.verification.alignment import read_alignment

            references = references.mapped(read_alignment(adapter).map_from(loaded.fingerprint))
        known = None if trained_on is None else _fingerprint(trained_on)
        write(system.value, references, file, trained_on=known, latents=extra)
        if output is None:
            print(file)


def _default_output(system: str, recording: Path, speaker: str | None) -> Path:
    """Name a file in the current folder after the recording and one speaker of it."""
    from diarspk.cues.export import TARGETS
    from diarspk.cues.export.whole_cue import CUE_SUFFIXES
    from diarspk.file_names import file_stems

    suffix = (CUE_SUFFIXES if system == System.CUE else TARGETS[system].suffixes)[0]
    name = stem(recording) if speaker is None else f"{stem(recording)}-{speaker}"
    return Path(file_stems([name]).popitem()[1] + suffix)


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
