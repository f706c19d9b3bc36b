"""What Ashihara et al. found of cues, asked of a study: each claim with the number that tells.

Ashihara et al. 2024, "Investigation of speaker representation for target-speaker speech processing"
(arXiv 2410.11243): verification does not predict extraction; one-hot codes beat enrolments of known
speakers; the best cue depends on the mixture; a cue that is optimised by gradient gains much.
Intervals are those of a bootstrap over speakers (:mod:`eval.correlation.resampling`), for whom
mixtures and verification are drawn together, and over encoders by origin where these are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.correlation.association import MIN_ENCODERS, Interval, associate
from eval.correlation.resampling import draw_encoders, draw_weights
from eval.extraction.study_verification import VerificationPairs

__all__ = [
    "CellFigures",
    "Draws",
    "Finding",
    "StudyFigures",
    "find",
    "mean_interval",
    "rate_interval",
]

Values = NDArray[np.float64]
CLEARLY_DB = 1.0
"""Gain of another cue over the best one on average that counts as clear in a mixture."""


@dataclass(frozen=True, eq=False)
class CellFigures:
    """An extractor of the study, on every mixture.

    Attributes
    ----------
    label, cue, origin : str
    open_db : ndarray, ``(mixtures,)``, optional
        SI-SDRi on mixtures of unseen speakers; None for a closed set.
    closed_db : ndarray, ``(mixtures,)``
        On mixtures of training speakers.
    enrolled_db, optimised_db : ndarray, optional
        SI-SDRi of one pass on the first mixtures (open, or closed where there are no others), with
        the cue of the enrolment and the optimised one.
    pairs : VerificationPairs, optional
        Verification by the vector of the cue.
    encoder : str
        Whose vector that is; the label, but for the seed.
    seed : int
        Of the training.
    """

    label: str
    cue: str
    origin: str
    open_db: Values | None
    closed_db: Values
    enrolled_db: Values | None = None
    optimised_db: Values | None = None
    pairs: VerificationPairs | None = None
    encoder: str = ""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class StudyFigures:
    """Extractors, and the target speaker of each mixture, open and closed."""

    cells: tuple[CellFigures, ...]
    open_speakers: tuple[str, ...]
    closed_speakers: tuple[str, ...]

    @property
    def encoders(self) -> list[CellFigures]:
        """Extractors that differ in the encoder alone, and can be verified by."""
        return [one for one in self.cells if one.pairs is not None and one.open_db is not None]


@dataclass(frozen=True)
class Finding:
    """A claim, the figures that speak for or against it, and the verdict in words."""

    claim: str
    figures: dict[str, Interval]
    verdict: str


def find(study: StudyFigures, draws: Draws) -> list[Finding]:
    """Ask each of the four claims, as far as the study has what it takes."""
    found = (
        _predicts(study, draws),
        _one_hot(study, draws),
        _depends(study, draws),
        _headroom(study, draws),
    )
    return [one for one in found if one is not None]


class Draws:
    """Bootstrap samples: how often each speaker is drawn, and which encoders.

    Parameters
    ----------
    study
    resamples
    seed
    """

    def __init__(self, study: StudyFigures, *, resamples: int = 1000, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        verified = [name for one in study.encoders if one.pairs for name in one.pairs.names]
        names = sorted({*study.open_speakers, *study.closed_speakers, *verified})
        self.people = [
            dict(zip(names, draw_weights(len(names), generator).tolist(), strict=True))
            for _ in range(resamples)
        ]
        origins = [one.origin for one in study.encoders]
        count = resamples if origins else 0
        self.encoders = [draw_encoders(origins, generator) for _ in range(count)]
        self._rates: dict[str, Values] = {}

    def error_rates(self, cell: CellFigures) -> Values:
        """Equal error rate of a cue in each resample, ``(resamples,)``."""
        assert cell.pairs is not None
        if cell.label not in self._rates:
            drawn = [cell.pairs.error_rate(people) for people in self.people]
            self._rates[cell.label] = np.array(drawn)
        return self._rates[cell.label]

    def means(self, values: Values, speakers: Sequence[str]) -> Values:
        """Mean of ``(mixtures,)`` in each resample, NaN where none of them is drawn."""
        means = np.full(len(self.people), np.nan)
        for number, people in enumerate(self.people):
            weights = np.array([people[name] for name in speakers], np.float64)
            if weights.any():
                means[number] = np.average(values, weights=weights)
        return means


def mean_interval(draws: Draws, values: Values, speakers: Sequence[str]) -> Interval:
    """Mean over mixtures, with its interval."""
    return _interval(float(values.mean()), draws.means(values, speakers))


def rate_interval(draws: Draws, cell: CellFigures) -> Interval:
    """Equal error rate of a cue, with its interval."""
    assert cell.pairs is not None
    return _interval(cell.pairs.error_rate(), draws.error_rates(cell))


def _interval(value: float, drawn: Values) -> Interval:
    low, high = np.nanquantile(drawn, (0.025, 0.975)).tolist()
    return Interval(value, low, high, float(np.nanstd(drawn)))


def _predicts(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = study.encoders
    if len(cells) < MIN_ENCODERS:
        return None
    gains = [_open(one) for one in cells]
    rates = [one.pairs.error_rate() for one in cells if one.pairs is not None]
    drawn = np.stack(
        [
            [draws.error_rates(one) for one in cells],
            [draws.means(own, study.open_speakers) for own in gains],
        ]
    )  # (2, encoders, resamples)
    crossed = [drawn[:, chosen, number] for number, chosen in enumerate(draws.encoders)]
    spearman = associate(rates, [own.mean() for own in gains], samples=crossed).spearman
    verifier, best = int(np.argmin(rates)), int(np.argmax([own.mean() for own in gains]))
    lead = mean_interval(draws, gains[best] - gains[verifier], study.open_speakers)
    if spearman.high < 0:
        verdict = "contradicted: the lower the EER, the better the extraction"
    elif spearman.low > 0:
        verdict = "confirmed, and more: the lower the EER, the worse the extraction"
    else:
        verdict = "neither confirmed nor contradicted: the interval of the correlation holds zero"
    verdict += f"; the best verifier is {cells[verifier].label}, the best cue {cells[best].label}"
    figures = {"Spearman of EER and SI-SDRi": spearman, "best cue less best verifier, dB": lead}
    return Finding("Verification does not predict extraction", figures, verdict)


def _open(cell: CellFigures) -> Values:
    assert cell.open_db is not None
    return cell.open_db


def _one_hot(study: StudyFigures, draws: Draws) -> Finding | None:
    codes = [one for one in study.cells if one.cue == "one-hot"]
    others = [one for one in study.cells if one.cue != "one-hot"]
    if not codes or not others:
        return None
    best = max(others, key=lambda one: one.closed_db.mean())
    difference = mean_interval(draws, codes[0].closed_db - best.closed_db, study.closed_speakers)
    verdict = _tell(difference, f"one-hot codes are better than {best.label}", "are worse")
    figures = {f"one-hot less {best.label}, dB": difference}
    return Finding("One-hot codes beat enrolments of known speakers", figures, verdict)


def _depends(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = [one for one in study.cells if one.open_db is not None]
    first = [one for one in cells if one.seed == min(each.seed for each in cells)]
    if len(first) < 2:
        return None
    best = max(first, key=lambda one: float(_open(one).mean()))
    lost = np.max([_open(one) for one in first], axis=0) - _open(best)
    figures = {
        "best cue of each mixture less best on average, dB": lost,
        f"mixtures with another cue over {CLEARLY_DB:g} dB better, %": 100.0 * (lost > CLEARLY_DB),
    }
    again = [one for one in cells if (one.cue, one.encoder) == (best.cue, best.encoder)]
    if len(again) > 1:
        lost = np.max([_open(one) for one in again], axis=0) - _open(best)
        figures[f"the same with {best.label} of another seed, dB"] = lost
    found = {
        name: mean_interval(draws, values, study.open_speakers) for name, values in figures.items()
    }
    _, clearly, *_ = found.values()
    verdict = (
        f"another cue than {best.label}, the best on average, is better by over {CLEARLY_DB:g} dB "
        f"in {clearly.value:.0f} % of the mixtures"
    )
    if len(again) == 1:
        verdict += "; how much of that is chance, a training with another seed tells (--seeds)"
    return Finding("The best cue depends on the mixture", found, verdict)


def _headroom(study: StudyFigures, draws: Draws) -> Finding | None:
    cells = [one for one in study.cells if one.optimised_db is not None]
    figures = {}
    for one in cells:
        assert one.optimised_db is not None and one.enrolled_db is not None
        speakers = study.open_speakers if one.open_db is not None else study.closed_speakers
        gained = one.optimised_db - one.enrolled_db
        figures[f"headroom of {one.label}, dB"] = mean_interval(
            draws, gained, speakers[: len(gained)]
        )
    if not figures:
        return None
    sure = sum(one.low > CLEARLY_DB for one in figures.values())
    verdict = (
        f"{sure} of {len(figures)} cues gain over {CLEARLY_DB:g} dB by optimisation, intervals "
        "considered"
    )
    return Finding("Optimising the cue gains much", figures, verdict)


def _tell(difference: Interval, better: str, worse: str) -> str:
    if difference.low > 0:
        return f"confirmed: {better}"
    if difference.high < 0:
        return f"contradicted: they {worse}"
    return "neither confirmed nor contradicted: the interval holds zero"
