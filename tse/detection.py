"""When an enrolled voice talks in a recording, and whether it is there at all.

The first pass of the diarizer finds who talks in each window of ten seconds, and embeds each of
these local speakers. How likely one of them is the enrolled voice follows from the cosine of both
embeddings, normalized by a cohort of other speakers (:mod:`diarspk.verification.cohort`) and
calibrated. A frame has the enrolled voice unless each local speaker of the window is silent or
somebody else:

    p(frame) = 1 - prod_s (1 - p(s is the enrolled voice) p(s talks in the frame))

This is the task of personal VAD (Ding et al., Odyssey 2020), by the model that diarizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_number, check_type
from diarspk.audio import SAMPLE_RATE, Audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.diarization.diarizer import Diarizer
from diarspk.embeddings.profile import build_profile
from diarspk.errors import ArgumentError, ModelError
from diarspk.intervals import find_runs
from diarspk.verification.calibration import probability
from diarspk.verification.cohort import Cohort, load_cohort
from tse.cues import Cue, read_reference
from tse.detection_calibration import DetectionCalibration, score_voices

if TYPE_CHECKING:
    from diarspk.diarization.local_speakers import LocalSpeakers
    from diarspk.encoders.base import SpeakerEncoder

__all__ = [
    "SMOOTHED",
    "STEP_S",
    "Detection",
    "VoiceScorer",
    "detect",
    "embed_voice",
    "frame_posteriors",
    "likeliest_odds",
]

Vector = NDArray[np.float32]
Figures = NDArray[np.float64]

STEP_S = 0.08
"""Seconds from one probability to the next: two frames of the trunk."""

SMOOTHED = 5
"""Probabilities whose mean decides on presence: a voice that is there talks for 0.4 s."""


@dataclass(frozen=True, eq=False)
class VoiceScorer:
    """How likely local speakers are an enrolled voice, in one embedding space.

    Attributes
    ----------
    calibration : DetectionCalibration
    cohort : Cohort
        Other speakers, by whom cosines are normalized.
    """

    calibration: DetectionCalibration
    cohort: Cohort

    @classmethod
    def load(cls, fingerprint: str) -> VoiceScorer:
        """Load what the package has for an embedding space.

        Raises
        ------
        ModelError
            If there is nothing for it.
        """
        calibration, cohort = DetectionCalibration.load(fingerprint), load_cohort(fingerprint)
        if cohort is None:
            raise ModelError(f"encoder {fingerprint} has no cohort to compare with")
        return cls(calibration, cohort)

    def probabilities(self, local: LocalSpeakers, vector: Vector) -> Figures:
        """Probability ``(windows, speakers)`` that each is the voice of the unit vector."""
        scores, quality = score_voices(local, vector, self.cohort)
        return probability(self.calibration.voice.log_likelihood_ratios(scores, quality))


@dataclass(frozen=True, eq=False)
class Detection:
    """When an enrolled voice talks.

    Attributes
    ----------
    probabilities : ndarray of float32, ``(frames,)``
        Probability that the voice talks, every :data:`STEP_S` seconds; the first is that of
        0 to 0.08 s.
    presence : float
        Probability that it talks anywhere in the recording.
    """

    probabilities: NDArray[np.float32]
    presence: float

    def __repr__(self) -> str:
        return f"Detection({len(self.probabilities) * STEP_S:.1f} s, presence {self.presence:.2f})"

    @property
    def is_present(self) -> bool:
        """Whether the voice is more likely there than not."""
        return self.presence >= 0.5

    @cached_property
    def seconds(self) -> float:
        """Seconds that the voice is expected to talk: the sum of the probabilities."""
        return float(self.probabilities.sum(dtype=np.float64) * STEP_S)

    def turns(
        self, threshold: float = 0.5, *, max_gap_s: float = 0.4, min_duration_s: float = 0.16
    ) -> list[tuple[float, float]]:
        """Start and end in seconds of each stretch in which the voice talks.

        Parameters
        ----------
        threshold
            Probability from which it talks.
        max_gap_s
            Gaps up to this are closed.
        min_duration_s
            Shorter stretches are left out, after gaps were closed.
        """
        talks = self.probabilities >= check_number(threshold, "threshold")
        turns: list[tuple[float, float]] = []
        for first, last in find_runs(talks).tolist():
            start, end = first * STEP_S, last * STEP_S
            if turns and start - turns[-1][1] <= max_gap_s + 1e-9:
                start = turns.pop()[0]
            turns.append((start, end))
        return [(start, end) for start, end in turns if end - start >= min_duration_s - 1e-9]


def detect(
    mixture: Audio,
    cue: Cue | SpeakerCue | Audio | Sequence[Audio],
    sample_rate: int | None = None,
    *,
    channel: int | None = None,
    diarizer: Diarizer | None = None,
) -> Detection:
    """Find out when an enrolled voice talks in a recording, and whether it is there at all.

    Parameters
    ----------
    mixture, sample_rate, channel
        Recording of several speakers; see :func:`diarspk.audio.load_audio`.
    cue
        Recording of the speaker alone, a list or tuple of several, an embedding ``(dim,)`` of the
        same encoder, or a cue that holds one. Arrays of samples are at `sample_rate`, too.
    diarizer
        Default: the embedded models. Load it once for many recordings.

    Raises
    ------
    AudioError
        If audio cannot be read, or an enrolment is silent or shorter than 0.2 s.
    ArgumentError
        If a sample rate is missing, or the cue holds no embedding.
    ModelError
        If the cue is of another encoder, or nothing was calibrated for this one.

    Examples
    --------
    >>> detection = tse.detect("meeting.wav", "alice.wav")  # doctest: +SKIP
    >>> detection.is_present, detection.turns()  # doctest: +SKIP
    (True, [(3.2, 7.84), (12.0, 12.96)])
    """
    check_type(diarizer, "diarizer", Diarizer | None)
    diarizer = diarizer or Diarizer()
    scorer = VoiceScorer.load(diarizer.encoder.fingerprint)
    vector = embed_voice(cue, sample_rate, diarizer.encoder)
    local = diarizer.first_pass(mixture, sample_rate, channel=channel).local
    frames = frame_posteriors(local, scorer.probabilities(local, vector))
    likeliest = scorer.calibration.presence.log_likelihood_ratios(likeliest_odds(frames))
    return Detection(frames.astype(np.float32), float(probability(likeliest)))


def frame_posteriors(local: LocalSpeakers, enrolled: Figures) -> Figures:
    """Probability of the enrolled voice, every :data:`STEP_S` seconds of the recording.

    Parameters
    ----------
    local
        Local speakers of overlapping windows, whose posteriors are averaged.
    enrolled : ndarray, ``(windows, speakers)``
        Probability that a local speaker is the enrolled voice.
    """
    total, count = np.zeros(local.frames), np.zeros(local.frames)
    for first, activity, own in zip(
        local.first, local.activity, np.where(local.talking, enrolled, 0.0), strict=True
    ):
        here = slice(first, min(first + len(activity), local.frames))
        silent = np.prod(1.0 - own * activity[: here.stop - here.start], axis=1)
        total[here] += 1.0 - silent
        count[here] += 1.0
    frames = total / np.maximum(count, 1.0)
    each = round(STEP_S / local.hop)
    padded = np.concatenate([frames, np.repeat(frames[-1:], -len(frames) % each)])
    return np.asarray(padded.reshape(-1, each).mean(axis=1))


def likeliest_odds(frames: Figures) -> Figures:
    """Log odds of the likeliest stretch of a recording, one figure."""
    if not len(frames):
        return np.array(-np.inf)
    window = np.ones(min(SMOOTHED, len(frames)))
    best = np.clip(np.convolve(frames, window / len(window), "valid").max(), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(best / (1 - best)))


def embed_voice(
    cue: Cue | SpeakerCue | Audio | Sequence[Audio],
    sample_rate: int | None,
    encoder: SpeakerEncoder,
) -> Vector:
    """Embed an enrolled voice, see :func:`detect`: its unit vector ``(dim,)``."""
    if isinstance(cue, SpeakerCue):
        if cue.space.fingerprint != encoder.fingerprint:
            raise ModelError(
                f"the cue is of encoder {cue.space.fingerprint}, the diarizer has "
                f"{encoder.fingerprint}; extract the cue anew with that encoder"
            )
        return cue.timbre
    if isinstance(cue, Cue):
        if cue.vector is None or cue.vector.shape[1] != encoder.dimension:
            raise ArgumentError("`cue` must hold an embedding of the diarizer's encoder, got none")
        return cue.vector[0].numpy(force=True)
    several: list[Any] = list(cue) if isinstance(cue, list | tuple) else [cue]
    if not several:
        raise ArgumentError("`cue` must hold one recording at least, got none")
    vectors = []
    for one in several:
        if getattr(one, "shape", None) == (encoder.dimension,):
            vectors.append(np.asarray(one, np.float32))
        else:
            reference = read_reference(one, sample_rate)
            vectors.append(encoder.embed(reference.waveform, SAMPLE_RATE))
    return build_profile(np.stack(vectors), drop_outliers=True).vector
