"""Recorded speakers: the voices of a diarized recording, several vectors each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.audio.loading import open_audio
from diarspk.audio.source import Samples
from diarspk.audio.spans import read_spans
from diarspk.diarization.clean_speech import find_clean_spans
from diarspk.errors import AudioError

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.audio import Audio
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["MIN_CLEAN_S", "RecordedSpeaker", "compare_speakers", "embed_speakers"]

PIECE_S = 5.0
"""Seconds of clean speech from which one vector is made."""

MIN_CLEAN_S = 2.0
"""Seconds of clean speech below which a speaker has no vector: it could be anybody's."""


@dataclass(frozen=True, eq=False)
class RecordedSpeaker:
    """A speaker of one recording.

    Attributes
    ----------
    recording, speaker : str
        Name of the recording, and label in its diarization.
    vectors : ndarray of float32, ``(n, dim)``
        Unit vectors of pieces of clean speech, in order of time; none where there is too little.
    seconds : float
        Clean speech that the vectors were made from.
    """

    recording: str
    speaker: str
    vectors: NDArray[np.float32]
    seconds: float


def embed_speakers(
    annotation: Annotation,
    audio: Audio,
    encoder: SpeakerEncoder,
    *,
    recording: str | None = None,
    speakers: Collection[str] | None = None,
) -> list[RecordedSpeaker]:
    """Embed the speakers of a recording, each from clean speech: where nobody else talks.

    Parameters
    ----------
    annotation : pyannote.core.Annotation
        Who speaks when.
    audio
        The recording; arrays are at 16 kHz. See :func:`diarspk.audio.load_audio`.
    encoder : SpeakerEncoder
    recording : str, optional
        Name of the recording. Default: that of the annotation.
    speakers : collection of str, optional
        Labels to embed. Default: all.

    Returns
    -------
    list of RecordedSpeaker
        In order of their first turn.

    Raises
    ------
    AudioError
        If the audio cannot be read, or ends before every turn: it is of another recording.
    """
    name = str(annotation.uri) if recording is None else recording
    stream = open_audio(audio, SAMPLE_RATE if not _has_rate(audio) else None)
    spans = {
        speaker: own
        for speaker, own in find_clean_spans(annotation).items()
        if speakers is None or speaker in speakers
    }
    speech = read_spans(stream, spans)
    if any(spans.values()) and not any(map(len, speech.values())):
        raise AudioError(
            f"{stream.source.label}: ends before the first turn of {name}; give the recording that "
            "was diarized"
        )
    first = {speaker: annotation.label_timeline(speaker).extent().start for speaker in spans}
    return [
        _embed(name, speaker, speech[speaker], encoder)
        for speaker in sorted(spans, key=lambda speaker: (first[speaker], speaker))
    ]


def compare_speakers(speakers: Sequence[RecordedSpeaker]) -> NDArray[np.float64]:
    """Compare speakers by the mean cosine over all pairs of their vectors.

    Unlike the cosine of two centroids it is lower where the vectors of a speaker differ among
    themselves, as those of a cluster of two people do.

    Returns
    -------
    ndarray of float64, ``(n, n)``
        Symmetric; every speaker has a vector or more.
    """
    # The mean over all pairs of products is the product of the means.
    means = np.stack([one.vectors.astype(np.float64).mean(axis=0) for one in speakers])
    return np.asarray(means @ means.T)


def _embed(
    recording: str, speaker: str, speech: Samples, encoder: SpeakerEncoder
) -> RecordedSpeaker:
    seconds = len(speech) / SAMPLE_RATE
    if seconds < MIN_CLEAN_S:
        nothing = np.zeros((0, encoder.dimension), np.float32)
        return RecordedSpeaker(recording, speaker, nothing, seconds)
    # Pieces of one length, so that none is a short rest.
    pieces = np.array_split(speech, max(round(seconds / PIECE_S), 1))
    vectors = np.stack([encoder.embed(piece, SAMPLE_RATE) for piece in pieces])
    return RecordedSpeaker(recording, speaker, vectors, seconds)


def _has_rate(audio: Audio) -> bool:
    """Whether audio tells its own sample rate; arrays and tensors do not."""
    return not (hasattr(audio, "shape") and hasattr(audio, "dtype"))
