"""Every predictor against every error rate of diarization, over encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from eval.correlation.association import Association, Interval, associate, compare
from eval.correlation.measures import COMBINED, CONVENTIONAL, DER_MEASURES, PREDICTORS
from eval.correlation.resampling import Resamples

__all__ = ["Analysis", "analyse"]


@dataclass(frozen=True)
class Analysis:
    """Coefficients of all measures that every encoder has.

    Attributes
    ----------
    associations : dict
        By the names of predictor and error rate; the partial coefficient controls for the
        conventional EER (for that one, for the EER of the combined list).
    differences : dict
        Spearman's coefficient of a predictor less that of the combined list, likewise.
    over_encoders, over_sessions : dict
        Spearman's coefficient of the combined list by error rate, where only these are drawn.
    """

    associations: dict[tuple[str, str], Association]
    differences: dict[tuple[str, str], Interval]
    over_encoders: dict[str, Interval]
    over_sessions: dict[str, Interval]

    @property
    def targets(self) -> list[str]:
        """Error rates of diarization."""
        return list(dict.fromkeys(target for _, target in self.associations))

    @property
    def predictors(self) -> list[str]:
        """What they are predicted by."""
        return list(dict.fromkeys(predictor for predictor, _ in self.associations))

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {
            "associations": [
                {"verification": first, "diarization": second, **asdict(one)}
                for (first, second), one in self.associations.items()
            ],
            "differences": [
                {"predictor": first, "diarization": second, **asdict(one)}
                for (first, second), one in self.differences.items()
            ],
            "over_encoders": {name: asdict(one) for name, one in self.over_encoders.items()},
            "over_sessions": {name: asdict(one) for name, one in self.over_sessions.items()},
        }


def analyse(found: Resamples) -> Analysis:
    """Correlate all predictors with all error rates that are known of every encoder."""
    predictors = _known(found, PREDICTORS)
    targets = _known(found, DER_MEASURES)
    associations, differences = {}, {}
    for predictor, target in product(predictors, targets):
        control = COMBINED if predictor == CONVENTIONAL else CONVENTIONAL
        names = (predictor, target, *([control] if control in predictors else []))
        first, second, *given = found.columns(*names)
        associations[predictor, target] = associate(
            first, second, given=given[0] if given else None, samples=found.crossed(*names)
        )
        if predictor != COMBINED and COMBINED in predictors:
            trio = (target, predictor, COMBINED)
            differences[predictor, target] = compare(
                *found.columns(*trio), samples=found.crossed(*trio)
            )
    alone = [(COMBINED, target) for target in targets if COMBINED in predictors]
    return Analysis(
        associations,
        differences,
        {
            pair[1]: associate(*found.columns(*pair), samples=found.over_encoders(*pair)).spearman
            for pair in alone
        },
        {
            pair[1]: associate(*found.columns(*pair), samples=found.over_sessions(*pair)).spearman
            for pair in alone
        },
    )


def _known(found: Resamples, names: Sequence[str]) -> list[str]:
    return [
        name for name in names if name in found.names and np.isfinite(found.columns(name)).all()
    ]
