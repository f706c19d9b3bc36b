"""Score calibration: log-likelihood ratios by logistic regression, with quality measures.

A raw score ranks trials; a calibrated score states how likely the same speaker is.
``calibration.log_likelihood_ratios(scores)`` are natural logarithms of
``p(score | same speaker) / p(score | different speakers)``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers, check_number
from diarspk.atomic import atomic_path
from diarspk.checkpoints.assets import find_asset
from diarspk.errors import ArgumentError, FormatError
from diarspk.verification.metrics import detection_curve

__all__ = ["ScoreCalibration", "default_calibration", "fit_calibration", "probability"]


@dataclass(frozen=True)
class ScoreCalibration:
    """Affine map from a score, and quality measures, to a log-likelihood ratio.

    Attributes
    ----------
    scale, offset : float
        ``llr = scale * score + offset + sum(weight * measure)``.
    quality : dict of str to float
        Weight of each quality measure (log duration, magnitude, mean over a cohort, ...).
    fingerprint : str
        Embedding space whose scores it was fitted to; empty for other scores.
    fitted_on : str
        Trials that it was fitted on, in words: whose voices it speaks of.
    """

    scale: float
    offset: float
    quality: Mapping[str, float]
    fingerprint: str = ""
    fitted_on: str = ""

    def log_likelihood_ratios(
        self, scores: ArrayLike, quality: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float64]:
        """Calibrate scores of any shape; quality measures have the shape of the scores.

        Raises
        ------
        ArgumentError
            The quality measures are not those of the fit.
        """
        given = {} if quality is None else quality
        if set(given) != set(self.quality):
            raise ArgumentError(
                f"`quality` must hold {sorted(self.quality) or 'nothing'}, as the calibration was "
                f"fitted, got {sorted(given) or 'nothing'}"
            )
        ratios = self.scale * np.asarray(scores, np.float64) + self.offset
        for name, weight in self.quality.items():
            ratios = ratios + weight * np.asarray(given[name], np.float64)
        return ratios

    def threshold(self, target_prior: float = 0.5) -> float:
        """Score of equal posterior odds; only without quality measures."""
        if self.quality:
            raise ArgumentError(
                f"`threshold` depends on {sorted(self.quality)}; compare log-likelihood ratios"
            )
        if not 0 < target_prior < 1:
            raise ArgumentError(f"`target_prior` must be between 0 and 1, got {target_prior}")
        return float((-np.log(target_prior / (1 - target_prior)) - self.offset) / self.scale)

    def write(self, path: Path) -> None:
        """Write JSON; an existing file is replaced atomically."""
        with atomic_path(path) as part:
            part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ScoreCalibration:
        """Read a calibration written by :meth:`write`.

        Raises
        ------
        FormatError
            If the file is missing or holds something else.
        """
        try:
            read = cls(**json.loads(path.read_text(encoding="utf-8")))
            numbers = np.array([read.scale, read.offset, *read.quality.values()])
            if numbers.dtype.kind not in "if" or not np.isfinite(numbers).all():
                raise ValueError("a weight is no finite number")
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise FormatError(f"not a calibration ({error}); fit it again", str(path)) from error
        return read


def fit_calibration(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    quality: Mapping[str, ArrayLike] | None = None,
    weights: ArrayLike | None = None,
    target_prior: float = 0.5,
    fingerprint: str = "",
    fitted_on: str = "",
) -> ScoreCalibration:
    """Fit by logistic regression, with trials weighted by the target prior.

    Parameters
    ----------
    scores, labels : array_like, ``(trials,)``
        As for :func:`diarspk.verification.metrics.detection_curve`.
    quality : mapping of str to array_like, ``(trials,)``, optional
        Quality measures of each trial, so that the score has less weight where the audio is poor.
    weights : array_like, ``(trials,)``, optional
        Positive; only ratios within targets, and within the others, count. Default: all the same.
    target_prior : float
        Prior for which the fit is optimized (Brummer and de Villiers, The BOSARIS toolkit, 2013);
        the ratios can be used with any prior.

    Raises
    ------
    ArgumentError
        If a kind of trial is missing, shapes differ, or higher scores do not mean the same
        speaker.
    """
    from sklearn.linear_model import LogisticRegression

    if not 0 < target_prior < 1:
        raise ArgumentError(f"`target_prior` must be between 0 and 1, got {target_prior}")
    detection_curve(scores, labels)  # checks both
    measures = {} if quality is None else dict(quality)
    target = np.asarray(labels).astype(bool)
    columns = _columns(np.asarray(scores, np.float64), measures)  # (trials, 1 + measures)
    centre, spread = columns.mean(0), np.maximum(columns.std(0), 1e-12)
    own = np.ones(len(target)) if weights is None else as_numbers(weights, "weights")
    if own.shape != target.shape or not (np.isfinite(own) & (own > 0)).all():
        raise ArgumentError(f"`weights` must hold {len(target)} positive numbers, one per trial")
    total = len(target)
    share = np.where(
        target, target_prior / own[target].sum(), (1 - target_prior) / own[~target].sum()
    )
    share = total * own * share
    # Weak regularization keeps the slope finite where target and non-target scores do not overlap.
    model = LogisticRegression(C=100.0 * len(target), max_iter=1000)
    model.fit((columns - centre) / spread, target, sample_weight=share)
    slopes = model.coef_[0] / spread
    if slopes[0] <= 0:
        raise ArgumentError(
            "`scores` must be higher for the same speaker than for different ones; "
            f"got a slope of {slopes[0]:.3g}: check the labels"
        )
    prior_odds = np.log(target_prior / (1 - target_prior))
    return ScoreCalibration(
        scale=float(slopes[0]),
        offset=float(model.intercept_[0] - slopes @ centre - prior_odds),
        quality={name: float(one) for name, one in zip(measures, slopes[1:], strict=True)},
        fingerprint=fingerprint,
        fitted_on=fitted_on,
    )


def probability(log_likelihood_ratios: ArrayLike, target_prior: float = 0.5) -> NDArray[np.float64]:
    """Posterior probability of the same speaker, for a prior.

    Examples
    --------
    >>> float(probability(0.0, target_prior=0.25))
    0.25
    """
    if not 0 < check_number(target_prior, "target_prior") < 1:
        raise ArgumentError(f"`target_prior` must be between 0 and 1, got {target_prior}")
    ratios = as_numbers(log_likelihood_ratios, "log_likelihood_ratios")
    odds = ratios + np.log(target_prior / (1 - target_prior))
    return np.asarray(0.5 * (1 + np.tanh(odds / 2)))


def default_calibration(fingerprint: str) -> ScoreCalibration | None:
    """Load the calibration of a space from the package's assets; None where there is none."""
    path = find_asset("calibration", fingerprint)
    return None if path is None else ScoreCalibration.read(path)


def _columns(scores: NDArray[np.float64], measures: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    columns = [scores]
    for name, values in measures.items():
        column = np.asarray(values, np.float64)
        if column.shape != scores.shape or not np.isfinite(column).all():
            raise ArgumentError(
                f"`quality[{name!r}]` must hold {len(scores)} finite numbers, one per trial, "
                f"got shape {column.shape}"
            )
        columns.append(column)
    return np.stack(columns, axis=1)
