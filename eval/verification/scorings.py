"""Trials of a split scored in several ways: cosines, quality measures, AS-norm, PLDA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda
from diarspk.verification.report import TrialReport, cross_calibrate, report_trials
from diarspk.verification.score_normalization import (
    CohortStatistics,
    adaptive_norm,
    cohort_statistics,
)
from eval.embeddings.embedding_cache import EmbeddedSplit

__all__ = ["Scored", "compare_scorings", "pair_groups", "report_scoring"]


@dataclass(frozen=True, eq=False)
class Scored:
    """Trials of a split: rows of both sides, the truth, and scores by each way of scoring."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    labels: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]
    quality: dict[str, dict[str, NDArray[np.float64]]]


def compare_scorings(
    split: EmbeddedSplit,
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
    cohort: NDArray[np.float32] | None = None,
    *,
    labels: NDArray[np.bool_] | None = None,
    plda: Plda | None = None,
    top: int = 300,
) -> Scored:
    """Cosines, the same with quality measures, AS-norm with a cohort, ratios with a PLDA.

    Parameters
    ----------
    split : EmbeddedSplit
    pairs : two ndarrays, ``(trials,)``
        Rows of the two sides.
    cohort : ndarray, ``(speakers, dim)``, optional
    labels : ndarray of bool, ``(trials,)``, optional
        Without it, a trial is a target where the speakers agree.
    plda : Plda, optional
        Of the encoder.
    """
    first, second = pairs
    if labels is None:
        speaker = np.asarray(split.speakers)
        labels = speaker[first] == speaker[second]
    cosines = np.sum(split.vectors[first] * split.vectors[second], axis=1).astype(np.float64)
    lengths = np.log(split.seconds)
    durations = {
        "log_shorter_s": np.minimum(lengths[first], lengths[second]),
        "log_longer_s": np.maximum(lengths[first], lengths[second]),
    }
    scores = {"cosine": cosines, "cosine, quality": cosines}
    quality: dict[str, dict[str, NDArray[np.float64]]] = {"cosine, quality": durations}
    if cohort is not None:
        found = cohort_statistics(split.vectors, cohort, top=top)
        sides = [CohortStatistics(found.mean[s], found.deviation[s]) for s in pairs]
        scores["AS-norm"] = adaptive_norm(cosines, *sides)
        scores["AS-norm, quality"] = scores["AS-norm"]
        means = {"cohort_mean": (sides[0].mean + sides[1].mean) / 2}
        quality["AS-norm, quality"] = durations | means
    if plda is not None:
        ratios = plda.pair_log_likelihood_ratio(split.vectors[first], split.vectors[second])
        scores["PLDA"] = ratios
    return Scored(first, second, labels, scores, quality)


def pair_groups(scored: Scored, split: EmbeddedSplit, metadata: Mapping[str, str]) -> list[str]:
    """Group of each trial whose two utterances are of the same one, else nothing."""
    group = np.array([metadata.get(name, "") for name in split.names])
    first, second = group[scored.first], group[scored.second]
    return np.where(first == second, first, "").tolist()


def report_scoring(scored: Scored, split: EmbeddedSplit, way: str) -> TrialReport:
    """Figures of one way of scoring."""
    speakers = np.asarray(split.speakers)[scored.first].tolist()
    scores, quality = scored.scores[way], scored.quality.get(way)
    ratios = cross_calibrate(scores, scored.labels, speakers, quality=quality)
    shown = scores if quality is None else ratios  # with measures, the ratios are the scores
    return report_trials(
        shown, scored.labels, log_likelihood_ratios=ratios, groups=speakers, resamples=100
    )
