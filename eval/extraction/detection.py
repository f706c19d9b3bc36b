"""Tell when an enrolled voice talks, and whether it is there; calibrate it.

    python -m eval.extraction.detection --data ../shared --json detection.json [--write]

:func:`tse.detect` on mixtures of 12 s in which a few seconds of each voice lie anywhere, alone or
over each other, with the enrolled speaker and without, recorded with any microphones or over one
telephone line. The calibration is judged on other speakers than it was fitted on: each half of them
under what was fitted to the other. ``--write`` stores one that is fitted to all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.diarizer import Diarizer
from diarspk.errors import ArgumentError
from diarspk.verification.calibration import ScoreCalibration, fit_calibration, probability
from diarspk.verification.cohort import load_cohort
from diarspk.verification.metrics import detection_curve
from eval.command_line import command, one_of
from eval.extraction.detection_trials import Compared, TrialSettings, compare
from eval.extraction.mixtures import CONDITIONS
from eval.report.markdown import markdown_table
from eval.report.reliability import expected_calibration_error, reliability
from eval.report.run_record import JsonReport
from tse.detection import frame_posteriors, likeliest_odds
from tse.detection_calibration import DetectionCalibration

__all__ = [
    "Judged",
    "calibration_error",
    "cross_fit",
    "describe",
    "fit",
    "format_rows",
    "main",
    "presence_error",
]

Figures = NDArray[np.float64]
Mask = NDArray[np.bool_]

ASSETS = Path(__file__).parents[2] / "tse" / "assets" / "detection"


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    trials: TrialSettings
    conditions: tuple[Annotated[str, one_of(CONDITIONS)], ...] = (
        *("clean-1", "clean-2", "noisy-2", "clean-3", "phone-1", "phone-2", "to-phone-2"),
        *("absent-1", "absent-2", "phone-absent-2", "to-phone-absent-2"),
    )
    """Conditions of the mixtures, with the enrolled speaker and without."""
    write: bool = False
    """Store the calibration that is fitted to all speakers among the assets of this checkout."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A mixture under a calibration of other speakers.

    Attributes
    ----------
    compared : Compared
        The mixture.
    frames : ndarray of float64, ``(frames,)``
        Probabilities of the enrolled voice, every 0.08 s.
    ratio : float
        Log-likelihood ratio of its being there at all.
    """

    compared: Compared
    frames: Figures
    ratio: float


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    diarizer = Diarizer()
    cohort = load_cohort(diarizer.encoder.fingerprint)
    if cohort is None:
        raise ArgumentError("the encoder has no cohort; run python -m recipes.cohort.embed first")
    compared = [
        compare(trial, name, diarizer, cohort)
        for name, trial in settings.trials.draw(settings.conditions)
    ]
    judged = list(cross_fit(compared))
    rows = [
        describe(name, [one for one in judged if one.compared.condition == name])
        for name in settings.conditions
    ]
    print(format_rows(rows))
    error = presence_error(judged)
    print(f"\nWhether the voice is there, over all mixtures: EER {error:.1f} %")
    settings.report.write({"conditions": rows, "presence_eer": error})
    if settings.write:
        fit(compared).write(ASSETS / f"{diarizer.encoder.fingerprint}.json")


def fit(compared: Sequence[Compared]) -> DetectionCalibration:
    """Fit both calibrations: of local speakers, and of whole mixtures under the first."""
    known = [np.isfinite(one.labels) for one in compared]

    def gather(figures: Sequence[Figures]) -> Figures:
        return np.concatenate([one[mask] for one, mask in zip(figures, known, strict=True)])

    voice = fit_calibration(
        gather([one.scores for one in compared]),
        gather([one.labels for one in compared]),
        quality={
            name: gather([one.quality[name] for one in compared]) for name in compared[0].quality
        },
    )
    odds = [float(likeliest_odds(posteriors(one, voice))) for one in compared]
    return DetectionCalibration(voice, fit_calibration(odds, [one.is_present for one in compared]))


def posteriors(one: Compared, voice: ScoreCalibration) -> Figures:
    """Probability of the enrolled voice every 0.08 s, under a calibration of local speakers."""
    ratios = voice.log_likelihood_ratios(one.scores, one.quality)
    return frame_posteriors(one.local, probability(ratios))


def cross_fit(compared: Sequence[Compared]) -> Iterator[Judged]:
    """Judge each half of the enrolled speakers under what is fitted to the other half."""
    speakers = sorted({one.speaker for one in compared})
    for side in (speakers[::2], speakers[1::2]):
        calibration = fit([one for one in compared if one.speaker not in side])
        for one in compared:
            if one.speaker in side:
                frames = posteriors(one, calibration.voice)
                ratio = calibration.presence.log_likelihood_ratios(likeliest_odds(frames))
                yield Judged(one, frames, float(ratio))


def describe(condition: str, judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures of a condition: of single probabilities, and of the decision on the whole."""
    probabilities = np.concatenate([one.frames for one in judged])
    talks = np.concatenate([one.compared.talks for one in judged])
    here = probability([one.ratio for one in judged])
    right = np.mean((here >= 0.5) == [one.compared.is_present for one in judged])
    return {
        "condition": condition,
        "mixtures": len(judged),
        "talks %": 100 * talks.mean(),
        "EER of frames %": _error(probabilities, talks),
        "misses %": 100 * np.mean(probabilities[talks] < 0.5) if talks.any() else math.nan,
        "false alarms %": 100 * np.mean(probabilities[~talks] >= 0.5),
        "calibration error %": 100 * calibration_error(probabilities, talks),
        "presence right %": 100 * right,
    }


def format_rows(rows: Sequence[dict[str, Any]]) -> str:
    """Make a table of the figures of several conditions."""
    return markdown_table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])


def calibration_error(probabilities: Figures, outcomes: Mask) -> float:
    """Compute the expected calibration error: mean distance of forecast and share of outcomes."""
    return expected_calibration_error(reliability(probabilities, outcomes))


def presence_error(judged: Sequence[Judged]) -> float:
    """EER in % of telling mixtures with the enrolled voice from those without."""
    ratios = np.array([one.ratio for one in judged])
    return _error(ratios, np.array([one.compared.is_present for one in judged]))


def _error(scores: Figures, labels: Mask) -> float:
    if labels.all() or not labels.any():
        return math.nan
    return 100 * detection_curve(scores, labels).equal_error_rate


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.1f}"
    return str(value)


if __name__ == "__main__":
    raise SystemExit(main())
