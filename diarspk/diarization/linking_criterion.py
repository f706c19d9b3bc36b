"""Criterion of linking across recordings: how scores are calibrated, and from where they link."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_number
from diarspk.atomic import atomic_path
from diarspk.checkpoints.assets import asset_folder
from diarspk.errors import FormatError, ModelError
from diarspk.verification.calibration import ScoreCalibration

__all__ = ["LinkingCriterion", "choose_criterion", "default_criterion"]


@dataclass(frozen=True)
class LinkingCriterion:
    """When two speakers of two recordings are one person.

    Attributes
    ----------
    threshold : float
        Minimum score.
    margin : float
        Minimum distance to the score of the nearest rival.
    calibration : ScoreCalibration, optional
        Turns cosines into log-likelihood ratios, which are the scores then: 0 is as likely of one
        person as of two, and each step of 2.3 ten times as likely. Without it, scores are cosines.
    """

    threshold: float
    margin: float
    calibration: ScoreCalibration | None = None

    def scores(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of cosines of any shape."""
        if self.calibration is None:
            return cosines
        return self.calibration.log_likelihood_ratios(cosines)

    def write(self, path: Path) -> None:
        """Write JSON; an existing file is replaced atomically."""
        with atomic_path(path) as part:
            part.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> LinkingCriterion:
        """Read a criterion written by :meth:`write`.

        Raises
        ------
        FormatError
            If the file is missing or holds something else.
        """
        try:
            return cls._of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise FormatError(
                f"not a linking criterion ({error}); fit it again", str(path)
            ) from error

    @classmethod
    def _of(cls, values: Mapping[str, Any]) -> LinkingCriterion:
        calibration = ScoreCalibration(**values["calibration"])
        return cls(float(values["threshold"]), float(values["margin"]), calibration)


def default_criterion(fingerprint: str) -> LinkingCriterion | None:
    """Load the criterion of a space from the package's assets; None where there is none.

    Made by ``python -m eval.linking --write``.
    """
    path = asset_folder() / "linking" / f"{fingerprint}.json"
    return LinkingCriterion.read(path) if path.is_file() else None


def choose_criterion(
    fingerprint: str, threshold: float | None = None, margin: float | None = None
) -> LinkingCriterion:
    """Take the criterion of a space, with another threshold or margin where one is given.

    Raises
    ------
    ArgumentError
        If the threshold or the margin is no number, or the margin is negative.
    ModelError
        If the space has no criterion and no threshold is given.
    """
    known = default_criterion(fingerprint)
    if threshold is None and known is None:
        raise ModelError(
            f"nothing is known of how alike recordings of one person are to the encoder of "
            f"fingerprint {fingerprint}; give a threshold, which is a cosine then, or use the "
            "embedded encoder"
        )
    fallback = known or LinkingCriterion(0.0, 0.0)
    return LinkingCriterion(
        fallback.threshold if threshold is None else check_number(threshold, "threshold"),
        fallback.margin if margin is None else check_number(margin, "margin", minimum=0.0),
        fallback.calibration,
    )
