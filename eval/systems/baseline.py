"""The system to compare with: registry packages, put together as their documentation shows.

Silero VAD 6.2.3 finds speech, Resemblyzer 0.1.4 embeds windows of it, and spectralcluster 0.2.22
in its turn-to-diarize configuration names the speakers (:mod:`eval.systems.workers.baseline`). How
the ends of short stretches are windowed moves the result by a few percent on half-minute
recordings, where it decides on a dozen windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from eval.systems.peer_diarizer import PeerDiarizer

__all__ = ["BaselineDiarizer", "assign"]


class BaselineDiarizer(PeerDiarizer):
    """Silero VAD + Resemblyzer + turn-to-diarize clustering; one speaker at a time.

    Parameters
    ----------
    peak_normalized
        Bring the recording to a peak of 1 first: both the detector and the d-vectors (linear
        mel energies) depend on the level.
    """

    def __init__(self, *, peak_normalized: bool = False) -> None:
        super().__init__("baseline", subtype="FLOAT")
        self.peak_normalized = peak_normalized

    def __call__(self, audio: Path) -> Annotation:
        found = self.ask(audio, peak_normalized=self.peak_normalized)
        speech, windows = ([Segment(*one) for one in found[name]] for name in ("speech", "windows"))
        return assign(speech, windows, found["labels"], audio.stem)


def assign(
    speech: Sequence[Segment],
    windows: Sequence[Segment],
    labels: Sequence[int] | NDArray[np.int64],
    uri: str,
) -> Annotation:
    """Name speech after the windows: neighbours of one segment change over between their centres.

    Parameters
    ----------
    speech : sequence of Segment
        Disjoint and sorted.
    windows : sequence of Segment
        At least one per segment of speech, inside it, sorted.
    labels : sequence of int, ``(windows,)``
    uri : str
        Name of the recording.
    """
    annotation = Annotation(uri=uri)
    for segment in speech:
        inside = [index for index, window in enumerate(windows) if window in segment]
        middles = [windows[index].middle for index in inside]
        changes = [(one + other) / 2 for one, other in pairwise(middles)]
        for index, part in zip(
            inside, pairwise([segment.start, *changes, segment.end]), strict=True
        ):
            annotation[Segment(*part), index] = f"speaker_{labels[index]}"
    return annotation.support()
