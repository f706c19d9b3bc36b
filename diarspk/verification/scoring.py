"""Ways to score pairs of voices, and what a score says of the probability that they are one.

The cosine of two voices depends on whom they are like: women, and children more so, are nearer to
each other than men in most encoders, so that one threshold mistakes them more often. Against that
helps a cohort: how near the two are to the nearest of many other people tells what a cosine is
worth among voices of their kind. It enters the calibration as a quality measure, which has the
effect of adaptive score normalization (Matejka et al. 2017) with a weight that is fitted. The other
people come by the channel that the other voice came by, recorded or by telephone: voices of one
channel are near each other, and those of two are not, whoever talks.

These calibrations are fitted on pairs of voices that are alike, of one sex and one corpus, since
that is the question which a verification answers. Galleries read another one, of all pairs
(:func:`~diarspk.verification.calibration.default_calibration`): they weigh many people at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.checkpoints.assets import find_asset
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.calibration import ScoreCalibration, default_calibration
from diarspk.verification.cohort import Cohort, load_cohort
from diarspk.verification.score_normalization import cohort_statistics
from diarspk.verification.trials import cosine_scores

if TYPE_CHECKING:
    from diarspk.clustering.plda import Plda

__all__ = ["SCORINGS", "PairScorer", "Scoring", "calibration_name", "load_scorer"]

Vectors = NDArray[np.float32]
Scores = NDArray[np.float64]

Scoring = Literal["cohort", "cosine", "plda"]
SCORINGS: tuple[Scoring, ...] = get_args(Scoring)
"""Ways to score a pair."""

TOP = 20
"""People of the cohort who count: the nearest."""


@dataclass(frozen=True, eq=False)
class PairScorer:
    """One way to score pairs of embeddings of one space.

    Attributes
    ----------
    scoring : str
        "cosine"; "cohort": the cosine, judged by how near both are to other people; or "plda".
    calibration : ScoreCalibration or None
        From a score to a log-likelihood ratio; None where none was fitted.
    cohort : Cohort or None
        Other people, for "cohort".
    plda : Plda or None
        For "plda".
    """

    scoring: Scoring
    calibration: ScoreCalibration | None = None
    cohort: Cohort | None = None
    plda: Plda | None = None

    def scores(self, first: Vectors, second: Vectors) -> Scores:
        """Score pairs of rows ``(trials, dim)``: cosines, or ratios of the PLDA; ``(trials,)``."""
        if self.plda is None:
            return cosine_scores(first, second)
        return np.asarray(self.plda.pair_log_likelihood_ratio(first, second))

    def quality(self, first: Vectors, second: Vectors) -> dict[str, Scores]:
        """Quality measures of pairs that the calibration reads, ``(trials,)`` each."""
        if self.cohort is None:
            return {}
        one, other = unit_vectors(first, "first"), unit_vectors(second, "second")
        sides = (
            self.nearness(one, self.cohort.are_telephone(other)),
            self.nearness(other, self.cohort.are_telephone(one)),
        )
        return {"cohort_mean": (sides[0] + sides[1]) / 2}

    def nearness(self, vectors: Scores, telephone: NDArray[np.bool_]) -> Scores:
        """Mean cosine of rows ``(n, dim)`` with the nearest people of the cohort, ``(n,)``.

        ``telephone`` tells for each whether those people are to be as a telephone passes them on.
        """
        assert self.cohort is not None  # for "cohort" alone
        found = np.empty(len(vectors))
        for rows in blocks(len(vectors)):
            by_kind = [
                cohort_statistics(vectors[rows], people, top=TOP).mean
                for people in (self.cohort.recorded, self.cohort.by_telephone)
            ]
            found[rows] = np.where(telephone[rows], by_kind[1], by_kind[0])
        return found

    def log_likelihood_ratios(self, first: Vectors, second: Vectors) -> Scores:
        """Natural logarithms of the ratio of "one speaker" to "two", ``(trials,)``.

        Raises
        ------
        ModelError
            If there is no calibration.
        """
        if self.calibration is None:
            raise ModelError(
                f"the scoring {self.scoring} has no calibration; python -m "
                "eval.verification.calibration fits one"
            )
        quality = self.quality(first, second)
        return self.calibration.log_likelihood_ratios(self.scores(first, second), quality)


def load_scorer(fingerprint: str, scoring: Scoring | None = None) -> PairScorer:
    """Load what an embedding space has for a scoring.

    Parameters
    ----------
    fingerprint : str
        Of the space.
    scoring : str, optional
        Default: "cohort" where the space has a cohort and a calibration with it, else "cosine".

    Raises
    ------
    ArgumentError
        If there is no such scoring.
    ModelError
        If the space has no cohort or PLDA, or a file is damaged.
    """
    if scoring is not None and scoring not in SCORINGS:
        raise ArgumentError(f"`scoring` must be one of {', '.join(SCORINGS)}, got {scoring!r}")
    if scoring == "plda":
        from diarspk.clustering.plda import read_plda

        card = find_asset("plda", fingerprint)
        if card is None:
            raise ModelError(f"fingerprint {fingerprint} has no PLDA; recipes.plda makes one")
        return PairScorer("plda", _calibration(fingerprint, "plda"), plda=read_plda(card))
    if scoring != "cosine":
        cohort, calibration = load_cohort(fingerprint), _calibration(fingerprint, "cohort")
        if cohort is not None and (scoring == "cohort" or calibration is not None):
            return PairScorer("cohort", calibration, cohort=cohort)
        if scoring == "cohort":
            raise ModelError(f"fingerprint {fingerprint} has no cohort; recipes.cohort makes one")
    return PairScorer("cosine", _calibration(fingerprint, "cosine"))


def calibration_name(fingerprint: str, scoring: Scoring) -> str:
    """Name of the asset with the calibration of a scoring, without suffix."""
    return f"{fingerprint}.{scoring}"


def _calibration(fingerprint: str, scoring: Scoring) -> ScoreCalibration | None:
    path = find_asset("calibration", calibration_name(fingerprint, scoring))
    if path is not None:
        return ScoreCalibration.read(path)
    # An encoder of which only who speaks was known has one of all pairs.
    return default_calibration(fingerprint) if scoring == "cosine" else None
