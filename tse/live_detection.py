"""When an enrolled voice talks in a live session, and whether it has talked yet.

The measure and its calibration are those of :func:`tse.detect`. A recording is seen in windows of
ten seconds that overlap, and each of its frames in several of them; in a session each frame is
judged once, :data:`CONTEXT` frames after it, in the window of the last ten seconds. The steps lie
on a grid of samples, so how a session is cut changes nothing, and a step costs the same after hours
as at the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.first_pass import solo_weights
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.streaming.frame_stream import FrameStream
from diarspk.streaming.window_view import WindowReader, streaming_segmenter
from diarspk.verification.calibration import probability
from tse.detection import SMOOTHED, STEP_S, VoiceScorer, frame_posteriors, likeliest_odds

if TYPE_CHECKING:
    from torch import Tensor

    from diarspk.diarization.diarizer import Diarizer

__all__ = ["CONTEXT", "STEP", "LiveDetection", "LiveDetector", "RunningOdds"]

Samples = NDArray[np.float32]
Figures = NDArray[np.float64]

STEP = 12
"""Trunk frames from one judgement to the next: 0.48 s."""

CONTEXT = 12
"""Trunk frames that must follow a frame before it is judged; so it is told 0.96 s later at most."""


@dataclass(frozen=True, eq=False)
class LiveDetection:
    """What a push has told of when the enrolled voice talks.

    Attributes
    ----------
    start : float
        Second of the session at which the first of `probabilities` begins.
    probabilities : ndarray of float32, ``(new,)``
        Probability that the voice talks, every :data:`tse.detection.STEP_S` seconds, of the time
        that was judged with this push; often none.
    latest : float
        The last probability that is known; NaN before the first.
    presence : float
        Probability that the voice has talked anywhere in the session so far; it never falls.
    seconds : float
        Seconds that it is expected to have talked: the sum of all probabilities.
    """

    start: float
    probabilities: NDArray[np.float32]
    latest: float
    presence: float
    seconds: float

    def __repr__(self) -> str:
        return f"LiveDetection({self.time:.2f} s, presence {self.presence:.2f})"

    @property
    def time(self) -> float:
        """Seconds of the session that are judged."""
        return self.start + len(self.probabilities) * STEP_S

    @property
    def is_present(self) -> bool:
        """Whether the voice is more likely to have talked so far than not."""
        return self.presence >= 0.5

    def to_json(self) -> dict[str, Any]:
        """Describe it by values that JSON can hold."""
        return {
            "start": round(self.start, 3),
            "time": round(self.time, 3),
            "probabilities": [round(float(one), 4) for one in self.probabilities],
            "presence": round(self.presence, 4),
            "is_present": self.is_present,
            "seconds": round(self.seconds, 2),
        }


class RunningOdds:
    """Log odds of the likeliest stretch so far: :func:`likeliest_odds` of what comes by and by."""

    def __init__(self) -> None:
        self.best = -math.inf
        self.last: Figures = np.zeros(0)  # that the next stretch may begin with

    def push(self, frames: Figures) -> None:
        """Take in the next probabilities ``(frames,)``."""
        joined = np.concatenate([self.last, frames])
        if len(joined) >= SMOOTHED:
            self.best = max(self.best, float(likeliest_odds(joined)))
        self.last = joined[-SMOOTHED:]

    @property
    def odds(self) -> float:
        """Log odds; of less than a whole stretch, of what there is."""
        return max(self.best, float(likeliest_odds(self.last)))

    def end(self) -> None:
        """End a stretch: what comes next does not go on from what came before."""
        self.best, self.last = self.odds, np.zeros(0)


class LiveDetector:
    """Detector of one enrolled voice in samples at 16 kHz, as they come.

    Parameters
    ----------
    diarizer
        Its networks, which are not changed.
    vector
        Unit vector ``(dim,)`` of the voice, by the diarizer's encoder.

    Raises
    ------
    ArgumentError
        If the diarizer's encoder or segmentation cannot stream.
    ModelError
        If nothing was calibrated for its encoder.
    """

    def __init__(self, diarizer: Diarizer, vector: Samples) -> None:
        models = diarizer.models
        self.trunk, self.scorer = models.trunk, VoiceScorer.load(diarizer.encoder.fingerprint)
        self.vector = vector
        self.reader = WindowReader(self.trunk, streaming_segmenter(diarizer), models.precision)
        self.frames = FrameStream(self.trunk, self.reader.length, models.precision)
        self.each = round(STEP_S / self.trunk.frame_hop)  # trunk frames of a probability
        self.step_samples = round(STEP * self.trunk.frame_hop * SAMPLE_RATE)
        self.odds = RunningOdds()
        self.seconds, self.latest = 0.0, math.nan
        self.begin(0.0)

    def begin(self, start: float) -> None:
        """Begin a stretch of samples without gaps, at that second of the session."""
        self.frames.clear()
        self.begun, self.fresh = start, list[Figures]()
        self.waiting: Samples = np.zeros(0, np.float32)
        self.received = 0  # samples of the stretch
        self.judged = 0  # probabilities of the stretch

    def push(self, samples: Samples) -> None:
        """Take in samples ``(time,)``; judge the frames that enough has followed."""
        self.received += len(samples)
        self.waiting = np.concatenate([self.waiting, samples])
        while len(self.waiting) >= self.step_samples:
            part, self.waiting = np.split(self.waiting, [self.step_samples])
            self.frames.push(part)
            self._judge((self.frames.count - CONTEXT) // self.each)

    def end_stretch(self) -> None:
        """Judge all that was received of a stretch without gaps."""
        self.frames.push(self.waiting)
        self._judge(math.ceil(self.received / (STEP_S * SAMPLE_RATE) - 1e-9))
        self.odds.end()

    def tell(self) -> LiveDetection:
        """Tell what was judged since it was told last."""
        found, self.fresh = self.fresh, []
        ratio = self.scorer.calibration.presence.log_likelihood_ratios(self.odds.odds)
        return LiveDetection(
            self.begun + (self.judged - sum(map(len, found))) * STEP_S,
            np.concatenate([np.zeros(0), *found]).astype(np.float32),
            self.latest,
            float(probability(ratio)),
            self.seconds,
        )

    def _judge(self, end: int) -> None:
        """Judge the probabilities of the stretch up to the number `end`, if they are new."""
        if end <= self.judged:
            return
        first = max(self.frames.count - len(self.frames.frames), 0)
        first += -first % self.each
        held = first - self.frames.count  # frames of the window, from the end
        if held >= 0:  # too short for a frame
            found = np.zeros(end - self.judged)
        else:
            view = self._judge_window(self.frames.frames[held:], self.frames.moments[held:], first)
            begin = first // self.each
            known = view[self.judged - begin : end - begin]
            # The last samples of a stretch may be too few for a frame.
            found = np.pad(known, (0, end - self.judged - len(known)), "edge")
        self.odds.push(found)
        self.seconds += float(found.sum()) * STEP_S
        self.judged, self.latest = end, float(found[-1])
        self.fresh.append(found)

    def _judge_window(self, frames: Tensor, moments: Tensor, first: int) -> Figures:
        """Probabilities of a window of trunk frames, of which the first has this number."""
        hop = self.trunk.frame_hop
        activity = self.reader.segment(frames, first)[None]
        weights = solo_weights(activity, hop)[0].T  # (speakers, frames)
        seconds = weights.sum(axis=1) * hop
        vectors = self.reader.embed(moments, np.ascontiguousarray(weights))
        vectors[seconds == 0] = 0.0
        local = LocalSpeakers(
            activity,
            np.zeros(1, np.int64),
            vectors[None],
            seconds[None].astype(np.float64),
            len(frames),
            hop,
            self.trunk.frame_start,
        )
        return frame_posteriors(local, self.scorer.probabilities(local, self.vector))

    def state(self) -> dict[str, Any]:
        """Return what a detector of the same diarizer and voice goes on from."""
        return {
            "frames": self.frames.state(),
            "waiting": self.waiting,
            "counts": [self.received, self.judged],
            "figures": np.array([self.begun, self.seconds, self.latest, self.odds.best]),
            "last": self.odds.last,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.frames.restore(state["frames"])
        self.waiting = state["waiting"]
        self.received, self.judged = state["counts"]
        self.begun, self.seconds, self.latest, self.odds.best = state["figures"].tolist()
        self.odds.last, self.fresh = state["last"], []
