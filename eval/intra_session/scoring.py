"""Error rates on a trial list: pooled, as the mean of sessions, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from diarspk.verification.metrics import DetectionCurve, detection_curve
from eval.intra_session.embedding import Embeddings, list_crops
from eval.intra_session.trials import Trial

__all__ = [
    "TARGET_PRIOR",
    "Estimate",
    "ListScore",
    "RankedTrials",
    "score_cosines",
    "score_list",
]

TARGET_PRIOR = 0.05


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval that holds 95 % of its bootstrap over sessions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ListScore:
    """Errors of one encoder on one list, as shares in [0, 1].

    Attributes
    ----------
    trials, sessions : int
        Sessions with trials at all.
    whole_sessions : int
        Sessions with both kinds of trials: those of the means.
    pooled_eer, mean_eer : Estimate
        Over all trials with one threshold; of each session with its own threshold, then averaged.
    pooled_min_dcf, mean_min_dcf : Estimate
        Minimum detection cost, likewise; target prior `TARGET_PRIOR`, both costs 1.
    """

    trials: int
    sessions: int
    whole_sessions: int
    pooled_eer: Estimate
    mean_eer: Estimate
    pooled_min_dcf: Estimate
    mean_min_dcf: Estimate


def score_cosines(trials: Sequence[Trial], embeddings: Embeddings) -> NDArray[np.float64]:
    """Cosine of each trial's two embeddings, ``(trials,)``.

    Raises
    ------
    ArgumentError
        If an embedding is missing.
    """
    crops = list_crops(trials)
    if missing := [crop for crop in crops if crop not in embeddings]:
        raise ArgumentError(
            f"`embeddings` must have every segment of the trials, {len(missing)} of {len(crops)} "
            f"are missing, the first is {missing[0]}"
        )
    place = {crop: row for row, crop in enumerate(crops)}
    matrix = normalize_rows(np.stack([embeddings[crop] for crop in crops]).astype(np.float64))
    first = matrix[[place[trial.test] for trial in trials]]
    second = matrix[[place[trial.enrolment] for trial in trials]]
    cosines: NDArray[np.float64] = np.einsum("td,td->t", first, second)
    return cosines


def score_list(
    trials: Sequence[Trial], embeddings: Embeddings, *, resamples: int = 500, seed: int = 0
) -> ListScore:
    """Score a list by cosine.

    Parameters
    ----------
    trials : sequence of Trial
    embeddings : Embeddings
    resamples : int
        Bootstrap samples: sessions are drawn with replacement, all their trials with them.
    seed : int

    Raises
    ------
    ArgumentError
        If an embedding is missing, or one kind of trial.
    """
    scores = score_cosines(trials, embeddings)
    labels = np.array([trial.target for trial in trials], np.bool_)
    names, session = np.unique([trial.test.session for trial in trials], return_inverse=True)
    curves = [
        detection_curve(scores[mine], labels[mine])
        for one in range(len(names))
        if 0 < labels[mine := session == one].mean() < 1
    ]
    generator = np.random.default_rng(seed)
    ranked = RankedTrials(scores, labels, session)
    return ListScore(
        trials=len(trials),
        sessions=len(names),
        whole_sessions=len(curves),
        pooled_eer=_pooled(ranked, _eer, resamples, generator),
        mean_eer=_averaged(curves, _eer, resamples, generator),
        pooled_min_dcf=_pooled(ranked, _cost, resamples, generator),
        mean_min_dcf=_averaged(curves, _cost, resamples, generator),
    )


class RankedTrials:
    """Trials sorted once, so that a bootstrap sample only weighs them anew."""

    def __init__(
        self,
        scores: NDArray[np.float64],
        labels: NDArray[np.bool_],
        session: NDArray[np.integer[Any]],
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        self.scores, self.labels, self.session = scores[order], labels[order], session[order]
        self.sessions = int(session.max()) + 1
        self.last_of_equal = np.flatnonzero(np.append(np.diff(self.scores) != 0, True))

    def curve(self, weights: NDArray[np.int64]) -> DetectionCurve | None:
        """Curve where each session counts ``weights`` times; None if one kind of trial lacks."""
        weight = weights[self.session]
        hits = np.cumsum(weight * self.labels)
        alarms = np.cumsum(weight * ~self.labels)
        if not (hits[-1] and alarms[-1]):
            return None
        return DetectionCurve(
            thresholds=np.append(np.inf, self.scores[self.last_of_equal]),
            miss_rates=np.append(1.0, 1 - hits[self.last_of_equal] / hits[-1]),
            false_alarm_rates=np.append(0.0, alarms[self.last_of_equal] / alarms[-1]),
        )


def _pooled(
    ranked: RankedTrials,
    figure: Callable[[DetectionCurve], float],
    resamples: int,
    generator: np.random.Generator,
) -> Estimate:
    whole = ranked.curve(np.ones(ranked.sessions, np.int64))
    if whole is None:
        raise ArgumentError("`trials` must hold target and non-target trials")
    draws = generator.multinomial(
        ranked.sessions, np.full(ranked.sessions, 1 / ranked.sessions), size=resamples
    )
    curves = [ranked.curve(weights) for weights in draws]
    return _interval(figure(whole), [figure(curve) for curve in curves if curve is not None])


def _averaged(
    curves: Sequence[DetectionCurve],
    figure: Callable[[DetectionCurve], float],
    resamples: int,
    generator: np.random.Generator,
) -> Estimate:
    if not curves:
        return Estimate(np.nan, np.nan, np.nan)
    values = np.array([figure(curve) for curve in curves])
    drawn = generator.integers(len(values), size=(resamples, len(values)))
    return _interval(float(values.mean()), values[drawn].mean(1).tolist())


def _interval(value: float, samples: Sequence[float]) -> Estimate:
    if not samples:
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(samples, (0.025, 0.975)).tolist()
    return Estimate(value, low, high)


def _eer(curve: DetectionCurve) -> float:
    return curve.equal_error_rate


def _cost(curve: DetectionCurve) -> float:
    return curve.min_dcf(target_prior=TARGET_PRIOR)
