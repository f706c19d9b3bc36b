"""Figures of a study of cues, and bootstrap samples of its speakers and encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.correlation.association import Interval
from eval.correlation.resampling import draw_encoders, draw_weights
from eval.extraction.study_verification import VerificationPairs

__all__ = ["CellFigures", "Draws", "StudyFigures", "Values", "mean_interval", "rate_interval"]

Values = NDArray[np.float64]


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
