"""Target-speaker VAD: correct who talks when, once the speakers of a recording are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from diarspk.devices import device_of
from diarspk.diarization.local_speakers import FRAME_EMBEDDING_STEP, LocalSpeakers, cosines_to
from diarspk.diarization.reconstruction import Activity
from diarspk.diarization.resegmentation import refine_centroids
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.segmentation.target_speaker_vad import MIN_PROBABILITY, TargetSpeakerVadHead
from diarspk.segmentation.windows import window_starts

__all__ = ["TargetSpeakerVad", "combine_activity", "similarity_at"]

WINDOWS_PER_BATCH = 8
STEP = 0.75
"""Part of a window from one window to the next."""

MIN_TALK_FRAMES = 0.1
"""Minimum expected number of frames in which a speaker who takes part in a window talks."""


@dataclass(frozen=True)
class TargetSpeakerVad:
    """TS-VAD over a whole recording, window by window.

    In each window the speakers who talk most take part; the others stay as they were. A frame is
    taken from the window in which it lies deepest. Centroids are those of the frames in which each
    speaker talks alone. The head tells who talks; whether anybody does stays with segmentation, and
    how many talk at once is told by both (see :func:`combine_activity`).

    Attributes
    ----------
    head : TargetSpeakerVadHead
        Head over the encoder whose embeddings and features it reads.
    share : float
        Part of the head's correction of a speaker's logit that is made, in [0, 1]. The head was
        trained on simulated conversations, and is overconfident on others.
    overlap_share : float
        Weight of the head in how many talk at once, in [0, 1]; the rest is segmentation's.
    precision : str
        Numerical precision of the head.
    """

    head: TargetSpeakerVadHead
    share: float = 0.85
    overlap_share: float = 0.5
    precision: Precision = "single"

    def __call__(
        self, activity: Activity, local: LocalSpeakers, centroids: NDArray[np.float32]
    ) -> Activity:
        """Compute the probability of every speaker in every frame.

        Parameters
        ----------
        activity
            Probability after linking and resegmentation, ``(frames, speakers)``.
        local
            Result of the first pass; without TS-VAD features nothing changes.
        centroids
            Of the speakers: unit vectors ``(speakers, dim)``, for those who never talk alone.
        """
        if local.vad_features is None or local.frame_embeddings is None or not activity.shape[1]:
            return activity
        total = len(activity)
        length = min(round(self.head.config.window_s / local.hop), total)
        starts = window_starts(total, length, max(round(STEP * length), 1))
        middles = (starts[:-1] + starts[1:] + length) // 2  # of what neighbours share
        edges = np.concatenate([[0], middles, [total]])
        centroids = refine_centroids(activity, local, centroids)
        cosines, corrected = cosines_to(local.frame_embeddings, centroids), activity.copy()
        for batch in self._batches(activity, starts, length):
            found = self._run(batch, activity, local.vad_features, cosines, centroids)
            for number, speakers, probabilities in zip(
                batch.numbers, batch.speakers, found, strict=True
            ):
                start, end = edges[number], edges[number + 1]
                inside = slice(start - starts[number], end - starts[number])
                corrected[start:end, speakers] = probabilities[inside]
        return combine_activity(corrected, activity, self.overlap_share)

    def _batches(
        self, activity: Activity, starts: NDArray[np.int64], length: int
    ) -> Iterator[_Batch]:
        """Windows with the same number of speakers, a few at a time.

        Speakers with next to no talk in a window do not take part there, and a window in which one
        speaker is left needs no correction.
        """
        talk = np.stack([activity[start : start + length].sum(0) for start in starts])
        order = np.argsort(-talk, axis=1, kind="stable")[:, : self.head.config.speakers]
        count = (np.take_along_axis(talk, order, 1) > MIN_TALK_FRAMES).sum(1)
        for speakers in range(2, order.shape[1] + 1):
            windows = np.flatnonzero(count == speakers)
            for first in range(0, len(windows), WINDOWS_PER_BATCH):
                numbers = windows[first : first + WINDOWS_PER_BATCH]
                frames = starts[numbers][:, None] + np.arange(length)
                yield _Batch(numbers, frames, order[numbers, :speakers])

    @torch.inference_mode()
    def _run(
        self,
        batch: _Batch,
        activity: Activity,
        features: NDArray[np.float16],
        cosines: NDArray[np.float32],
        centroids: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Probabilities of the speakers of windows, ``(windows, frames, speakers)``."""
        columns = batch.speakers[:, None]
        similarity = np.take_along_axis(similarity_at(cosines, batch.frames), columns, 2)
        device = device_of(self.head)
        prior = torch.from_numpy(np.take_along_axis(activity[batch.frames], columns, 2)).to(device)
        known = (features[batch.frames].astype(np.float32), centroids[batch.speakers], similarity)
        with multiply_in(self.precision, device):
            inputs = [torch.from_numpy(one).to(device) for one in known]
            logits = self.head(*inputs, prior).float()
        before = torch.logit(prior, MIN_PROBABILITY)
        return torch.sigmoid(before + self.share * (logits - before)).numpy(force=True)


class _Batch(NamedTuple):
    """Windows by number, their ``frames (windows, length)``, ``speakers (windows, n)`` of each."""

    numbers: NDArray[np.int64]
    frames: NDArray[np.int64]
    speakers: NDArray[np.int64]


def combine_activity(corrected: Activity, activity: Activity, overlap_share: float) -> Activity:
    """Combine who talks after the correction with whether anybody talks before it.

    The likeliest speaker of each frame has the probability that anybody talks; nobody is likelier
    to. The others are scaled so that the odds of a second speaker are the geometric mean of those
    before and after, the latter weighted by `overlap_share`; a third is not expected.

    Parameters
    ----------
    corrected, activity
        After and before, ``(frames, speakers)``.
    """
    total = activity.sum(1)
    speech = np.minimum(total, 1.0)
    likeliest, rows = corrected.argmax(1), np.arange(len(corrected))
    combined = np.minimum(corrected, speech[:, None])
    combined[rows, likeliest] = 0.0
    rest = combined.sum(1)
    one, other = (
        special.logit(np.clip(x, MIN_PROBABILITY, 1 - MIN_PROBABILITY)) for x in (total - 1.0, rest)
    )
    wanted = special.expit(one + overlap_share * (other - one))
    combined *= (wanted / np.maximum(rest, 1e-6))[:, None]
    np.minimum(combined, speech[:, None], out=combined)
    combined[rows, likeliest] = speech
    return combined


def similarity_at(cosines: NDArray[np.float32], frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """Interpolate the cosines ``(n, speakers)`` of every sixth frame at ``frames (...)``.

    Returns
    -------
    NDArray of float32, shape (..., speakers)
    """
    before = np.minimum(frames // FRAME_EMBEDDING_STEP, len(cosines) - 1)
    after = np.minimum(before + 1, len(cosines) - 1)
    share = ((frames % FRAME_EMBEDDING_STEP) / FRAME_EMBEDDING_STEP).astype(np.float32)[..., None]
    return (1 - share) * cosines[before] + share * cosines[after]
