"""One clustering pipeline in which nothing but the encoder is exchanged.

Windows of 1.5 s, one every 0.75 s of speech unless another step is asked for, are embedded, each
alone, and clustered; neighbours of one stretch of speech change over between their centres. There
is no overlap, so the error has a floor that all encoders share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.clustering import AgglomerativeClusterer, EigengapClusterer
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm, save_annotation
from diarspk.metrics import Components, score
from eval.diarization.conversation import Conversation
from eval.systems.baseline import assign
from eval.systems.registry import load_diarizer

__all__ = [
    "CLUSTERINGS",
    "STEP_S",
    "Session",
    "Windowed",
    "diarize_windows",
    "measure_purity",
    "prepare_session",
]

WINDOW_S, STEP_S = 1.5, 0.75
MIN_WINDOW_S = 0.5
"""A shorter stretch of speech is embedded with what lies around it."""

CLUSTERINGS = ("known", "estimated")
"""The number of speakers is that of the reference (agglomerative, average linkage), or found by
the eigengap (NME-SC): neither has a threshold that would suit one encoder better."""


@dataclass(frozen=True, eq=False)
class Session:
    """A conversation cut into windows.

    Attributes
    ----------
    conversation : Conversation
    speech : list of Segment
        Disjoint and sorted.
    windows : list of Segment
        At least one in each stretch of speech.
    """

    conversation: Conversation
    speech: list[Segment]
    windows: list[Segment]

    def waveforms(self) -> list[NDArray[np.float32]]:
        """Cut out the audio of each window, at 16 kHz."""
        waveform = load_audio(self.conversation.audio)
        duration = len(waveform) / SAMPLE_RATE
        return [_cut(waveform, window, duration) for window in self.windows]

    def speakers(self) -> list[str]:
        """Speaker of the reference who talks the longest in each window; empty where nobody."""
        named = [self.conversation.reference.crop(window).argmax(window) for window in self.windows]
        return ["" if one is None else str(one) for one in named]


@dataclass(frozen=True, eq=False)
class Windowed:
    """Outcome of one clustering of a session's windows.

    Attributes
    ----------
    clusters : ndarray of int, ``(windows,)``
    hypothesis : Annotation
    errors : Components
        By strict scoring.
    """

    clusters: NDArray[np.int64]
    hypothesis: Annotation
    errors: Components


def prepare_session(
    conversation: Conversation, activity: str | None, folder: Path, *, step_s: float = STEP_S
) -> Session:
    """Cut a conversation into windows of speech.

    Parameters
    ----------
    conversation : Conversation
    activity : str, optional
        Diarizer whose speech is taken (see :func:`eval.systems.registry.load_diarizer`); the
        reference's where it is None.
    folder : Path
        Keeps what the diarizer found.
    step_s : float
        From one window to the next, at most their length.
    """
    if not 0 < step_s <= WINDOW_S:
        raise ArgumentError(f"`step_s` must be above 0 and at most {WINDOW_S}, got {step_s}")
    spoken = (
        conversation.reference if activity is None else _found_by(activity, conversation, folder)
    )
    speech = list(spoken.get_timeline().crop(conversation.uem).support())
    return Session(conversation, speech, [one for part in speech for one in _windows(part, step_s)])


def diarize_windows(session: Session, vectors: NDArray[np.float32], clustering: str) -> Windowed:
    """Cluster the windows' vectors ``(windows, dim)``, and score the outcome strictly."""
    conversation = session.conversation
    clusters, hypothesis = np.zeros(0, np.int64), Annotation(uri=conversation.name)
    if session.windows:
        clusters = _cluster(session, vectors, clustering)
        hypothesis = assign(session.speech, session.windows, clusters, conversation.name)
    scores = score(
        {conversation.name: conversation.reference},
        {conversation.name: hypothesis},
        {conversation.name: conversation.uem},
    )
    return Windowed(clusters, hypothesis, scores.pooled)


def measure_purity(reference: Annotation, hypothesis: Annotation) -> tuple[float, float]:
    """Seconds of all clusters in which their most frequent speaker talks, and of all clusters.

    The ratio is the purity of pyannote.metrics (Bredin 2017): 1 where no cluster mixes two voices.
    """
    pure = total = 0.0
    for cluster in hypothesis.labels():
        support = hypothesis.label_timeline(cluster).support()
        total += support.duration()
        talking = reference.crop(support).chart()
        pure += talking[0][1] if talking else 0.0
    return float(pure), float(total)


def _cluster(session: Session, vectors: NDArray[np.float32], clustering: str) -> NDArray[np.int64]:
    durations = [window.duration for window in session.windows]
    if clustering == "estimated":
        return EigengapClusterer()(vectors, durations=durations)
    count = max(session.conversation.count_speakers(session.conversation.reference), 1)
    return AgglomerativeClusterer()(vectors, num_speakers=count, durations=durations)


def _windows(speech: Segment, step_s: float = STEP_S) -> list[Segment]:
    """Windows from the start, the last one flush with the end."""
    if speech.duration <= WINDOW_S:
        return [speech]
    starts: Sequence[float] = np.arange(speech.start, speech.end - WINDOW_S, step_s).tolist()
    ends = [min(start + WINDOW_S, speech.end) for start in starts]
    windows = [Segment(start, end) for start, end in zip(starts, ends, strict=True)]
    return [*windows, Segment(speech.end - WINDOW_S, speech.end)]


def _cut(waveform: NDArray[np.float32], window: Segment, duration: float) -> NDArray[np.float32]:
    lacking = max(MIN_WINDOW_S - window.duration, 0.0) / 2
    start = max(min(window.start - lacking, duration - MIN_WINDOW_S), 0.0)
    end = min(max(window.end + lacking, start + MIN_WINDOW_S), duration)
    return waveform[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


_loaded: dict[str, Callable[[Path], Annotation]] = {}


def _found_by(activity: str, conversation: Conversation, folder: Path) -> Annotation:
    path = folder / activity.replace(":", "_").replace("/", "_") / f"{conversation.name}.rttm"
    if not path.is_file():
        if activity not in _loaded:
            _loaded[activity] = load_diarizer(activity)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_annotation(_loaded[activity](conversation.audio), path)
    found = read_rttm(path)
    return next(iter(found.values()), Annotation(uri=conversation.name))
