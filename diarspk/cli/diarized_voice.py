"""The voice of one speaker of a recording, from where that person talks alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import diarspk
from diarspk.cli.recordings import Reader
from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyannote.core import Annotation

    from diarspk.audio import AudioStream
    from diarspk.diarization.recorded_speakers import RecordedSpeaker

__all__ = [
    "check_label",
    "embed_diarized",
    "embed_turns",
    "read_diarization",
    "read_speech",
]


def embed_diarized(
    recording: Path,
    speaker: str,
    diarization: Path | None,
    encoder: str | None,
    device: str,
    reader: Reader,
) -> tuple[diarspk.SpeakerEncoder, RecordedSpeaker]:
    """Embed one speaker of a recording, which is diarized unless a file says who speaks when.

    Raises
    ------
    DiarspkError
        If a file cannot be read, or the speaker is not in it or hardly talks alone.
    """
    from diarspk.embeddings.profile import build_profile

    if diarization is None:
        from diarspk.diarization.diarizer import EMBEDDED

        diarizer = diarspk.Diarizer.load(encoder or EMBEDDED, device=device)
        stream = reader.open(recording)  # once: a pipe gives its bytes once
        annotation, loaded = diarizer(stream).annotation, diarizer.encoder
        check_label(annotation, speaker, recording)
    else:
        stream = reader.open(recording)
        annotation = read_diarization(diarization, stream)
        check_label(annotation, speaker, diarization)
        loaded = diarspk.load_encoder(encoder, device=device)
    found = embed_turns(recording, speaker, annotation, loaded, stream)
    outliers = build_profile(found.vectors).outliers
    if outliers:
        say(
            f"warning: {recording}: {len(outliers)} of {len(found.vectors)} pieces of {speaker} do "
            "not sound like the others; check the diarization"
        )
    return loaded, found


def embed_turns(
    recording: Path,
    speaker: str,
    annotation: Annotation,
    encoder: diarspk.SpeakerEncoder,
    stream: AudioStream,
) -> RecordedSpeaker:
    """Embed one speaker of a diarized recording, piece by piece.

    Raises
    ------
    DiarspkError
        If the recording cannot be read, or the speaker hardly talks alone.
    """
    from diarspk.diarization.recorded_speakers import MIN_CLEAN_S, embed_speakers

    (found,) = embed_speakers(annotation, stream, encoder, speakers=[speaker])
    if not len(found.vectors):
        raise _too_little(recording, speaker, found.seconds, MIN_CLEAN_S)
    return found


def read_speech(
    recording: Path, speaker: str, annotation: Annotation, stream: AudioStream
) -> NDArray[np.float32]:
    """Read the speech of one speaker of a diarized recording, joined: ``(time,)`` at 16 kHz.

    Raises
    ------
    DiarspkError
        If the recording cannot be read, or the speaker hardly talks alone.
    """
    from diarspk.audio import SAMPLE_RATE
    from diarspk.audio.spans import read_spans
    from diarspk.diarization.clean_speech import find_clean_spans
    from diarspk.diarization.recorded_speakers import MIN_CLEAN_S

    spans = {speaker: find_clean_spans(annotation)[speaker]}
    speech = read_spans(stream, spans)[speaker]
    if len(speech) < MIN_CLEAN_S * SAMPLE_RATE:
        raise _too_little(recording, speaker, len(speech) / SAMPLE_RATE, MIN_CLEAN_S)
    return speech


def read_diarization(diarization: Path, stream: AudioStream) -> Annotation:
    """Read who speaks when in a recording, from RTTM or from the JSON of a result.

    It is the only recording of the file, or the one that has its name.

    Warns
    -----
    DiarspkWarning
        If the file is of a recording of another name.

    Raises
    ------
    FormatError
        If the file cannot be read, has no turns of the recording, or goes on after its end.
    """
    from diarspk.transcripts.same_recording import check_same_recording

    if diarization.suffix.lower() == ".json":
        annotation = _of_document(diarization, stream.name)
    else:
        annotation = _of_rttm(diarization, stream.name)
    if annotation:
        end = annotation.get_timeline(copy=False).extent().end
        check_same_recording(diarization, end, annotation.uri, stream)
    return annotation


def check_label(annotation: Annotation, speaker: str | None, source: Path) -> str:
    """Check that a speaker is among those of a diarization, and return the label.

    Raises
    ------
    ArgumentError
        Otherwise; it names those who are.
    """
    labels = sorted(map(str, annotation.labels()))
    if speaker in labels:
        return speaker
    fault = "--speaker is missing" if speaker is None else f"has no speaker {speaker!r}"
    raise ArgumentError(
        f"{source}: {fault}; --speaker must be one of "
        f"{', '.join(labels) or 'nobody, since no speech was found'}"
    )


def _of_rttm(file: Path, name: str) -> Annotation:
    from diarspk.errors import FormatError
    from diarspk.formats import read_rttm
    from diarspk.formats.names import plain_name

    found = read_rttm(file)
    name = plain_name(name)
    if name in found:
        return found[name]
    if len(found) != 1:
        raise FormatError(f"has no turns of recording {name}; give its own diarization", str(file))
    return next(iter(found.values()))


def _of_document(file: Path, name: str) -> Annotation:
    from pyannote.core import Annotation, Segment

    from diarspk.transcripts.diarization_json import read_turn_items
    from diarspk.transcripts.diarized_turns import to_turns

    document, _ = read_turn_items(str(file))
    annotation = Annotation(uri=document.text("uri", default="") or name)
    for track, turn in enumerate(to_turns(file)):
        annotation[Segment(turn.start, turn.end), track] = turn.speaker
    return annotation


def _too_little(recording: Path, speaker: str, seconds: float, needed: float) -> ArgumentError:
    return ArgumentError(
        f"{recording}: {speaker} talks alone for {seconds:.1f} s; {needed:g} s are needed, so take "
        "another recording"
    )
