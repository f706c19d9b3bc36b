"""Pieces of sessions: parts of one, or of several joined, as a clusterer sees them.

A first pass sees a few seconds at once, so a part of it is that of a part of the recording. From
some sessions come as many pieces as a calibration needs, of any length and number of people. Some
can be given a common vector: in recordings of real meetings the voices have a part in common
two to three times as large as in simulated ones, and no simulated room or band has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.diarization.local_speakers import FirstPass
from diarspk.diarization.subsegments import LENGTH_S
from diarspk.embeddings.unit_vectors import normalize_rows

__all__ = ["Piece", "PieceSettings", "Session", "cut_pieces"]

MIN_WINDOWS = 8
EDGE_S = 2.0
"""How far a window of the segmentation may reach beyond a part."""

MICROPHONE = (0.3, 0.9)
"""Length of the common vector, in lengths of an embedding."""


@dataclass(frozen=True, eq=False)
class Session:
    """First pass over a session, and its reference with names of people."""

    first: FirstPass
    reference: Annotation


@dataclass(frozen=True, eq=False)
class Piece:
    """What a clusterer sees, and how many people talk for some seconds or more."""

    inputs: ClusteringInput
    people: int


@dataclass(frozen=True)
class PieceSettings:
    """Pieces that are drawn."""

    pieces: int = 14
    """Number of pieces of each session."""
    joined: float = 0.2
    """Share of pieces that are joined of parts of several sessions."""
    microphones: float = 0.0
    """Share of pieces with a common vector."""
    seed: int = 0
    """Seed of the draws."""


@dataclass(frozen=True, eq=False)
class _Part:
    embeddings: NDArray[np.float64]
    seconds: NDArray[np.float64]
    people: dict[str, float]
    several: NDArray[np.bool_]  # of windows with speech, whether two people or more talk


def cut_pieces(
    sessions: Sequence[Session], settings: PieceSettings, *, min_talk_s: float
) -> Iterator[Piece]:
    """Cut pieces at random; `people` are those who talk `min_talk_s` seconds or more."""
    generator = np.random.default_rng(settings.seed)
    voices = np.stack([_mean(session) for session in sessions])
    for number in range(len(sessions)):
        for _ in range(settings.pieces):
            chosen = [number]
            if generator.random() < settings.joined:
                chosen += generator.integers(len(sessions), size=generator.integers(1, 6)).tolist()
            parts = [_cut(sessions[one], generator) for one in dict.fromkeys(chosen)]
            embeddings = np.concatenate([part.embeddings for part in parts])
            if len(embeddings) < MIN_WINDOWS:
                continue
            if generator.random() < settings.microphones:
                common = voices[generator.integers(len(voices))]
                embeddings = embeddings + generator.uniform(*MICROPHONE) * common
            yield _join(parts, normalize_rows(embeddings), min_talk_s)


def _join(parts: Sequence[_Part], embeddings: NDArray[np.float64], min_talk_s: float) -> Piece:
    talk: dict[str, float] = {}
    for part in parts:
        for person, seconds in part.people.items():
            talk[person] = talk.get(person, 0.0) + seconds
    several = np.concatenate([part.several for part in parts])
    inputs = ClusteringInput(
        embeddings,
        durations=np.concatenate([part.seconds for part in parts]),
        dialogue=float(several.mean()) if len(several) else None,
    )
    return Piece(inputs, sum(seconds >= min_talk_s for seconds in talk.values()))


def _cut(session: Session, generator: np.random.Generator) -> _Part:
    """Cut a part whose length is even on a scale of octaves, from 25 s to the whole."""
    local, duration = session.first.local, session.first.duration
    windows = local.subsegments
    assert windows is not None  # the embedded encoder has them
    shortest = min(25.0, duration)
    length = float(np.exp(generator.uniform(np.log(shortest), np.log(duration))))
    start = float(generator.uniform(0.0, duration - length))
    centre = windows.centre * local.hop
    rows = (windows.seconds > 0) & (centre >= start + LENGTH_S / 2)
    rows &= centre <= start + length - LENGTH_S / 2
    begin = local.first * local.hop
    inside = (begin >= start - EDGE_S) & (
        begin + local.activity.shape[1] * local.hop <= start + length + EDGE_S
    )
    people = (local.seconds[inside] >= 1.0).sum(axis=1)
    talk = session.reference.crop(Segment(start, start + length)).chart()
    return _Part(
        windows.embeddings[rows].astype(np.float64),
        windows.seconds[rows],
        {str(person): seconds for person, seconds in talk},
        people[people >= 1] >= 2,
    )


def _mean(session: Session) -> NDArray[np.float64]:
    """Direction of the mean of a session's windows."""
    windows = session.first.local.subsegments
    assert windows is not None
    rows = windows.embeddings[windows.seconds > 0].astype(np.float64)
    return np.asarray(normalize_rows(rows.mean(axis=0, keepdims=True))[0])
