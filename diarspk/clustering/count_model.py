"""How probable each number of people is, by the evidence for and against one more and one fewer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.speaker_changes import Change
from diarspk.errors import ModelError

__all__ = [
    "UNWEIGHED",
    "CountModel",
    "CountSigns",
    "fewer_features",
    "further_features",
    "poisson_binomial",
    "read_count_model",
    "write_count_model",
]

Matrix = NDArray[np.float64]

MAX_RATIO = 0.0
"""Ratios of "one speaker" above this, which speakers found may have, are all as sure."""

MIN_RATIO = -100.0

MIN_SIZE = 0.05

USUAL_DIALOGUE, MAX_DIALOGUE = 0.35, 0.6
"""Where nobody has told, and the share from which more tells nothing more."""

MIN_PROBABILITY = 1e-4
"""Less probable numbers are left out of the posterior."""


@dataclass(frozen=True, eq=False)
class CountSigns:
    """What is known of the number of people when a recording has been partitioned.

    Attributes
    ----------
    speakers : int
        Number of speakers found.
    windows : float
        Effective number of windows of the recording.
    cuts, joins : sequence of Change
        See :mod:`diarspk.clustering.speaker_changes`.
    dialogue : float, optional
        Share of the segmentation's windows in which it finds two people or more.
    """

    speakers: int
    windows: float
    cuts: Sequence[Change]
    joins: Sequence[Change]
    dialogue: float | None = None


@dataclass(frozen=True)
class CountModel:
    """Logistic models of "a cut gives somebody further" and "a speaker is nobody of its own".

    "Somebody" is a person who talks for three seconds or more. Each change is true or not on its
    own, so that the number of true ones is Poisson-binomial, and the number of people is that found
    plus the true cuts less the true joins. The weights maximise the likelihood of the true numbers
    of simulated sessions (``python -m recipes.plda.counts``).

    Attributes
    ----------
    further : tuple of float
        Weights of 1, a tenth of the log-likelihood ratio, and the logarithms of the size of the
        change, of the number of speakers found and of the windows of the recording.
    fewer : tuple of float
        The same of a join, and the weight of the share of dialogue.
    """

    further: tuple[float, ...]
    fewer: tuple[float, ...]

    def log_odds_further(self, signs: CountSigns, cuts: Sequence[Change]) -> Matrix:
        """Logarithms ``(m,)`` of the odds that cuts give somebody further."""
        return further_features(signs, cuts) @ np.array(self.further)

    def log_odds_fewer(self, signs: CountSigns, joins: Sequence[Change]) -> Matrix:
        """Logarithms ``(m,)`` of the odds that who is joined is nobody of its own."""
        return fewer_features(signs, joins) @ np.array(self.fewer)

    def posterior(self, signs: CountSigns) -> dict[int, float]:
        """Probability of each number of people; those that hardly can be are left out."""
        more = poisson_binomial(_probabilities(self.log_odds_further(signs, signs.cuts)))
        fewer = poisson_binomial(_probabilities(self.log_odds_fewer(signs, signs.joins)))
        total = np.convolve(more, fewer[::-1])
        lowest = signs.speakers - (len(fewer) - 1)
        likely = {
            lowest + index: float(value)
            for index, value in enumerate(total)
            if value >= MIN_PROBABILITY and lowest + index > 0
        }
        scale = sum(likely.values())
        return {count: value / scale for count, value in likely.items()}


UNWEIGHED = CountModel((-1.0, -0.3, 0.0, 0.0, 0.0), (1.0, 0.5, 0.0, 0.0, 0.0, 0.0))
"""Weights by rule of thumb, for encoders without a model of their own."""


def further_features(signs: CountSigns, cuts: Sequence[Change]) -> Matrix:
    """Describe cuts by what their odds depend on, ``(m, 5)``."""
    return _features(signs, cuts, np.inf)


def fewer_features(signs: CountSigns, joins: Sequence[Change]) -> Matrix:
    """Describe joins by what their odds depend on, ``(m, 6)``."""
    several = USUAL_DIALOGUE if signs.dialogue is None else signs.dialogue
    shares = np.full((len(joins), 1), min(several, MAX_DIALOGUE))
    return np.concatenate([_features(signs, joins, MAX_RATIO), shares], axis=1)


def _features(signs: CountSigns, changes: Sequence[Change], max_ratio: float) -> Matrix:
    ratios = np.array([change.ratio for change in changes], np.float64)
    sizes = np.array([change.size for change in changes], np.float64)
    one = np.ones(len(changes))
    return np.stack(
        [
            one,
            np.clip(ratios, MIN_RATIO, max_ratio) / 10.0,
            np.log(np.maximum(sizes, MIN_SIZE)),
            np.log(signs.speakers) * one,
            np.log(max(signs.windows, MIN_SIZE)) * one,
        ],
        axis=1,
    )


def poisson_binomial(probabilities: Matrix) -> Matrix:
    """Distribution ``(m + 1,)`` of the number of true events of independent ones ``(m,)``."""
    distribution = np.ones(1)
    for probability in probabilities.tolist():
        distribution = np.convolve(distribution, [1.0 - probability, probability])
    return distribution


def _probabilities(log_odds: Matrix) -> Matrix:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -40.0, 40.0))))


def write_count_model(path: Path, model: CountModel, card: Mapping[str, object]) -> None:
    """Write the weights, and what is known of them."""
    from diarspk.atomic import atomic_path

    document = {**card, "further": list(model.further), "fewer": list(model.fewer)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_count_model(path: Path) -> CountModel:
    """Read what :func:`write_count_model` has written.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        further, fewer = (tuple(map(float, document[name])) for name in ("further", "fewer"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path}: is no model of counts ({error!r}); install the package again"
        raise ModelError(message) from None
    if (len(further), len(fewer)) != (5, 6):
        raise ModelError(f"{path}: must have 5 and 6 weights, got {len(further)} and {len(fewer)}")
    return CountModel(further, fewer)
