"""What the first pass of the diarizer finds in a mixture, and which of it is the enrolled voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.local_speakers import ACTIVE, LocalSpeakers
from diarspk.intervals import find_runs
from diarspk.verification.cohort import Cohort
from eval.embeddings.speech import read_utterances
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.report.progress import follow
from eval.simulate.noise import read_noise
from tse.detection import STEP_S
from tse.detection_calibration import score_voices

__all__ = ["Compared", "TrialSettings", "active_frames", "compare", "label_voices"]

Figures = NDArray[np.float64]
Mask = NDArray[np.bool_]

FLOOR_DB = -35.0
"""Level below the loudest frame of a voice, under which it does not talk."""

MAX_GAP_S = 0.4
"""Pauses of a voice that are shorter count as talk, as in the turns of :class:`tse.Detection`."""

SURE = 0.2
"""How much more of a local speaker's frames one voice must have than another to be that one."""


@dataclass(frozen=True)
class TrialSettings:
    """Settings of the mixtures that voices are looked for in."""

    data: Path
    """Folder with speech/ and noise/."""
    split: str = "dev"
    """Split of the speakers."""
    mixtures: int = 60
    """Number of mixtures of each condition."""
    seconds: float = 12.0
    """Length of a mixture."""
    seed: int = 7
    """Seed of the mixtures."""

    def draw(self, conditions: Sequence[str]) -> Iterator[tuple[str, Trial]]:
        """Draw the mixtures of conditions, with the name of each condition."""
        utterances = list(read_utterances(self.data / "speech", self.split))
        noise = read_noise(self.data / "noise" / "noise")
        for name in conditions:
            trials = draw_trials(
                utterances,
                CONDITIONS[name],
                count=self.mixtures,
                seed=self.seed,
                seconds=self.seconds,
                noise=noise,
            )
            for trial in follow(trials, name, self.mixtures):
                yield name, trial


@dataclass(frozen=True, eq=False)
class Compared:
    """Local speakers of a mixture, compared with an enrolment.

    Attributes
    ----------
    condition, speaker : str
        Of the mixture, and who was enrolled.
    local : LocalSpeakers
        Who talks in its windows.
    scores, quality
        See :func:`tse.detection_calibration.score_voices`.
    labels : ndarray of float64, ``(windows, speakers)``
        1 for the enrolled voice, 0 for another, NaN where that is unclear.
    talks : ndarray of bool, ``(frames,)``
        Whether the enrolled voice talks, every 0.08 s.
    """

    condition: str
    speaker: str
    local: LocalSpeakers
    scores: Figures
    quality: dict[str, Figures]
    labels: Figures
    talks: Mask

    @property
    def is_present(self) -> bool:
        """Whether the enrolled voice talks in the mixture."""
        return bool(self.talks.any())


def compare(trial: Trial, condition: str, diarizer: Diarizer, cohort: Cohort) -> Compared:
    """Run the first pass over a mixture, and compare its local speakers with the enrolment."""
    vector = diarizer.encoder.embed(trial.enrolment, SAMPLE_RATE)
    local = diarizer.first_pass(trial.made.mixture, SAMPLE_RATE).local
    scores, quality = score_voices(local, vector, cohort)
    target, *others = (
        active_frames(voice, local.frames) for voice in (trial.made.target, *trial.made.interferers)
    )
    labels = label_voices(local, target, others)
    talks: Mask = np.any(np.pad(target, (0, len(target) % 2)).reshape(-1, 2), axis=1)
    return Compared(condition, trial.speaker, local, scores, quality, labels, talks)


def active_frames(voice: NDArray[np.float32], frames: int) -> Mask:
    """Frames of 40 ms in which a voice of a mixture talks, short pauses included."""
    length = round(STEP_S / 2 * SAMPLE_RATE)
    padded = np.zeros(frames * length)
    padded[: len(voice)] = voice[: frames * length]
    energy = np.square(padded).reshape(frames, length).mean(axis=1)
    active = energy > max(float(energy.max(initial=0.0)), 1e-12) * 10 ** (FLOOR_DB / 10)
    for first, last in find_runs(~active):
        if first > 0 and last < frames and (last - first) * STEP_S / 2 <= MAX_GAP_S:
            active[first:last] = True
    return active


def label_voices(local: LocalSpeakers, target: Mask, others: Sequence[Mask]) -> Figures:
    """Tell which local speakers are the target, by the frames in which they talk.

    Returns
    -------
    ndarray, ``(windows, speakers)``
        1 for the target, 0 for another voice, NaN for silence and where two are as likely.
    """
    labels = np.full(local.seconds.shape, np.nan)
    for window, speaker in np.argwhere(local.talking):
        talks = np.flatnonzero(local.activity[window, :, speaker] > ACTIVE) + local.first[window]
        talks = talks[talks < local.frames]
        if not len(talks):
            continue
        own = target[talks].mean()
        rival = max((other[talks].mean() for other in others), default=0.0)
        if abs(own - rival) >= SURE and max(own, rival) >= 0.5:
            labels[window, speaker] = own > rival
    return labels
