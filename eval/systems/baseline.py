"""The system to compare with: registry packages, put together as their documentation shows.

Silero VAD 6.2.3 at its defaults finds speech, Resemblyzer 0.1.4 embeds windows of 1.6 s every
0.8 s of each stretch of it (its own layout of partial utterances), and spectralcluster 0.2.22 in
its turn-to-diarize configuration names the speakers. How the ends of short stretches are windowed
moves the result by a few percent on half-minute recordings, where it decides on a dozen windows.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk.audio import SAMPLE_RATE, load_audio
from eval.systems.resemblyzer import DVectorEncoder

__all__ = ["PeerDiarizer"]

STEP_S = 0.8


class PeerDiarizer:
    """Silero VAD + Resemblyzer + turn-to-diarize clustering; one speaker at a time.

    Parameters
    ----------
    peak_normalized
        Bring the recording to a peak of 1 first: both the detector and the d-vectors (linear
        mel energies) depend on the level.
    """

    def __init__(self, *, peak_normalized: bool = False) -> None:
        from silero_vad import load_silero_vad

        self.peak_normalized = peak_normalized
        self._detector: Any = load_silero_vad(onnx=True)
        self._encoder = DVectorEncoder()

    def __call__(self, audio: Path) -> Annotation:
        waveform = load_audio(audio)
        if self.peak_normalized:
            waveform = waveform / max(float(np.abs(waveform).max()), 1e-9)
        speech = self._detect(waveform)
        windows: list[Segment] = []
        embeddings = [np.zeros((0, self._encoder.dimension), np.float32)]
        for segment in speech:
            spans, vectors = self._encoder.embed_windows(_cut(waveform, segment), step=STEP_S)
            windows += [
                Segment(segment.start + start, min(segment.start + end, segment.end))
                for start, end in spans
            ]
            embeddings.append(vectors)
        return assign(speech, windows, _cluster(np.concatenate(embeddings)), audio.stem)

    def _detect(self, waveform: NDArray[np.float32]) -> list[Segment]:
        import torch
        from silero_vad import get_speech_timestamps

        found = get_speech_timestamps(torch.from_numpy(waveform), self._detector)
        return [Segment(turn["start"] / SAMPLE_RATE, turn["end"] / SAMPLE_RATE) for turn in found]


def assign(
    speech: list[Segment], windows: list[Segment], labels: NDArray[np.int64], uri: str
) -> Annotation:
    """Name speech after the windows: neighbours of one segment change over between their centres.

    Parameters
    ----------
    speech : list of Segment
        Disjoint and sorted.
    windows : list of Segment
        At least one per segment of speech, inside it, sorted.
    labels : ndarray of int, ``(windows,)``
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


def _cut(waveform: NDArray[np.float32], segment: Segment) -> NDArray[np.float32]:
    return waveform[round(segment.start * SAMPLE_RATE) : round(segment.end * SAMPLE_RATE)]


def _cluster(embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    from spectralcluster.configs import turntodiarize_clusterer

    if len(embeddings) < 3:  # spectralcluster 0.2.22 fails for fewer (UnboundLocalError)
        return np.zeros(len(embeddings), np.int64)
    labels: NDArray[np.int64] = turntodiarize_clusterer.predict(embeddings)
    return labels
