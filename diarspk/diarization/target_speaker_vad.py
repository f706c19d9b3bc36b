"""Correct who talks when, once the speakers of a recording are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from diarspk.diarization.first_pass import LocalSpeakers, cosines_to
from diarspk.diarization.reconstruction import Activity
from diarspk.diarization.resegmentation import find_directions
from diarspk.diarization.tracks import VOICE_STEP
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.segmentation.target_speaker_vad import SUREST, TargetActivityHead
from diarspk.segmentation.windows import window_starts

__all__ = ["TargetActivity", "combine", "likeness_at"]

WINDOWS_PER_BATCH = 8
STEP = 0.75
"""Of a window, from one window to the next."""

LEAST_TALK = 0.1
"""Expected frames of a speaker in a window, below which there is none."""


@dataclass(frozen=True)
class TargetActivity:
    """Applies a :class:`TargetActivityHead` to a recording, window by window.

    In each window the speakers who talk most take part; the others stay as they were. A frame is
    taken from the window in which it lies deepest. Speakers are known by the frames in which they
    talk alone. The head says who talks; whether anybody does stays with segmentation, and how many
    at once is said by both (see :func:`combine`).

    Attributes
    ----------
    head : TargetActivityHead
        Of the encoder whose vectors and evidence it reads.
    share : float
        Of the head's correction of a speaker's logit that is made, in [0, 1]. It has learned from
        simulated conversations, and is too sure of what it hears elsewhere.
    overlap_share : float
        What the head has to say in how many talk at once, in [0, 1]; the rest is segmentation's.
    precision : str
        In which it multiplies matrices.
    """

    head: TargetActivityHead
    share: float = 0.85
    overlap_share: float = 0.5
    precision: Precision = "single"

    def __call__(
        self, activity: Activity, local: LocalSpeakers, directions: NDArray[np.float32]
    ) -> Activity:
        """Probability of every speaker in every frame.

        Parameters
        ----------
        activity
            The same, as linking and resegmentation have it, ``(frames, speakers)``.
        local
            What the pass over the recording has found; without evidence nothing changes.
        directions
            Of the speakers: unit vectors ``(speakers, dim)``, for those who never talk alone.
        """
        if local.evidence is None or local.voices is None or not activity.shape[1]:
            return activity
        total = len(activity)
        length = min(round(self.head.config.window_s / local.hop), total)
        starts = window_starts(total, length, max(round(STEP * length), 1))
        middles = (starts[:-1] + starts[1:] + length) // 2  # of what neighbours share
        edges = np.concatenate([[0], middles, [total]])
        directions = find_directions(activity, local, directions)
        cosines, corrected = cosines_to(local.voices, directions), activity.copy()
        for batch in self._batches(activity, starts, length):
            found = self._run(batch, activity, local.evidence, cosines, directions)
            for number, speakers, probabilities in zip(
                batch.numbers, batch.speakers, found, strict=True
            ):
                start, end = edges[number], edges[number + 1]
                inside = slice(start - starts[number], end - starts[number])
                corrected[start:end, speakers] = probabilities[inside]
        return combine(corrected, activity, self.overlap_share)

    def _batches(
        self, activity: Activity, starts: NDArray[np.int64], length: int
    ) -> Iterator[_Batch]:
        """Windows with as many speakers, a few at a time; where one talks alone, nothing is to do.

        Who has next to no talk in a window does not take part there.
        """
        talk = np.stack([activity[start : start + length].sum(0) for start in starts])
        order = np.argsort(-talk, axis=1, kind="stable")[:, : self.head.config.speakers]
        count = (np.take_along_axis(talk, order, 1) > LEAST_TALK).sum(1)
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
        evidence: NDArray[np.float16],
        cosines: NDArray[np.float32],
        directions: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Probabilities of the speakers of windows, ``(windows, frames, speakers)``."""
        columns = batch.speakers[:, None]
        likeness = np.take_along_axis(likeness_at(cosines, batch.frames), columns, 2)
        prior = torch.from_numpy(np.take_along_axis(activity[batch.frames], columns, 2))
        known = (evidence[batch.frames].astype(np.float32), directions[batch.speakers], likeness)
        with multiply_in(self.precision):
            logits = self.head(*map(torch.from_numpy, known), prior).float()
        before = torch.logit(prior, SUREST)
        return torch.sigmoid(before + self.share * (logits - before)).numpy()


class _Batch(NamedTuple):
    """Windows by number, their ``frames (windows, length)``, ``speakers (windows, n)`` of each."""

    numbers: NDArray[np.int64]
    frames: NDArray[np.int64]
    speakers: NDArray[np.int64]


def combine(corrected: Activity, activity: Activity, overlap_share: float) -> Activity:
    """Who talks as corrected, whether anybody talks as it was, and how many by both.

    The likeliest speaker of each frame has the probability that anybody talks; nobody is likelier
    to. The others are scaled so that the odds of a second speaker are the geometric mean of those
    before and after, the latter weighted by `overlap_share`; a third is not expected.

    Parameters
    ----------
    corrected, activity
        After and before, ``(frames, speakers)``; the first is changed in place.
    """
    total = activity.sum(1)
    speech = np.minimum(total, 1.0)
    likeliest, rows = corrected.argmax(1), np.arange(len(corrected))
    np.minimum(corrected, speech[:, None], out=corrected)
    corrected[rows, likeliest] = 0.0
    rest = corrected.sum(1)
    one, other = (special.logit(np.clip(x, SUREST, 1 - SUREST)) for x in (total - 1.0, rest))
    wanted = special.expit(one + overlap_share * (other - one))
    corrected *= (wanted / np.maximum(rest, 1e-6))[:, None]
    np.minimum(corrected, speech[:, None], out=corrected)
    corrected[rows, likeliest] = speech
    return corrected


def likeness_at(cosines: NDArray[np.float32], frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosines ``(n, speakers)`` of every sixth frame, interpolated at ``frames (...)``.

    Returns
    -------
    NDArray of float32, shape (..., speakers)
    """
    before = np.minimum(frames // VOICE_STEP, len(cosines) - 1)
    after = np.minimum(before + 1, len(cosines) - 1)
    share = ((frames % VOICE_STEP) / VOICE_STEP).astype(np.float32)[..., None]
    return (1 - share) * cosines[before] + share * cosines[after]
