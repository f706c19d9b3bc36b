"""Vectors of a speaker for an export, out of whole recordings or of one speaker's turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import diarspk
from diarspk.cli.diarized_voice import embed_turns, read_speech
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.terminal import say

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.audio import AudioStream
    from diarspk.cues import SpeakerCue
    from diarspk.cues.export import References

__all__ = [
    "embed_recordings",
    "embed_speaker",
    "extract_voice_cue",
    "map_cue",
    "without_outliers",
]


def extract_voice_cue(
    recording: Path,
    speaker: str | None,
    annotation: Annotation | None,
    encoder: diarspk.SpeakerEncoder,
    encoder_name: str,
    reader: Reader,
    stream: AudioStream | None,
) -> SpeakerCue:
    """Extract timbre, frame embeddings and prosody of a recording, or of one speaker of it."""
    from diarspk.audio import SAMPLE_RATE
    from diarspk.cues import extract_cue

    if annotation is None or speaker is None or stream is None:
        return extract_cue(reader.read_voice(recording), encoder, SAMPLE_RATE, name=encoder_name)
    speech = read_speech(recording, speaker, annotation, stream)
    return extract_cue(speech, encoder, SAMPLE_RATE, name=encoder_name)


def map_cue(cue: SpeakerCue, adapter: Path | None) -> SpeakerCue:
    """Map the vectors of a cue into another space, where an alignment is given."""
    if adapter is None:
        return cue
    from diarspk.verification.alignment import read_alignment

    mapping = read_alignment(adapter).map_from(cue.space.fingerprint)
    frames = replace(cue.frames, data=mapping.transform(cue.frames.data))
    timbre = mapping.transform(cue.timbre[None])[0]
    return replace(cue, timbre=timbre, frames=frames, space=mapping.output)


def embed_recordings(
    recordings: list[Path],
    speaker: str,
    encoder: diarspk.SpeakerEncoder,
    encoder_name: str,
    reader: Reader,
) -> References:
    """Embed recordings of one speaker; warns of those whose embedding is less reliable."""
    from diarspk.audio import SAMPLE_RATE, open_audio
    from diarspk.cues.export import read_references

    waveforms = [reader.read_voice(recording) for recording in recordings]
    opened = [open_audio(waveform, SAMPLE_RATE) for waveform in waveforms]
    files = [str(recording) for recording in recordings]
    return read_references(speaker, files, encoder, encoder_name, opened)


def embed_speaker(
    recording: Path,
    speaker: str,
    annotation: Annotation,
    encoder: diarspk.SpeakerEncoder,
    encoder_name: str,
    stream: AudioStream,
) -> References:
    """Embed pieces of a recording in which one speaker talks alone, named by number."""
    from diarspk.cues.export import References
    from diarspk.file_names import file_stems
    from diarspk.formats.names import escape_undecoded

    found = embed_turns(recording, speaker, annotation, encoder, stream)
    name = file_stems([f"{stem(recording)}-{speaker}"]).popitem()[1]
    pieces = tuple(
        escape_undecoded(f"{name}-{number}{recording.suffix}")
        for number in range(1, len(found.vectors) + 1)
    )
    return References(speaker, replace(encoder.space, name=encoder_name), pieces, found.vectors)


def without_outliers(references: References, drop: bool) -> References:
    """Warn of references unlike the others, and leave them out where that is wanted."""
    profile = references.profile
    for index in profile.outliers:
        say(
            f"warning: {references.files[index]}: does not fit the others, cosine "
            f"{profile.similarities[index]:.2f}"
            + ("; left out" if drop else "; --drop-outliers leaves it out")
        )
    return references.without_outliers() if drop else references
