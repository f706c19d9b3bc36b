"""How likely a local speaker is an enrolled voice: normalized scores and their calibration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.checkpoints.assets import asset_folder
from diarspk.errors import FormatError, ModelError
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.cohort import Cohort
from tse.cohort_scores import normalized_scores

if TYPE_CHECKING:
    from diarspk.diarization.local_speakers import LocalSpeakers

__all__ = ["DetectionCalibration", "score_voices"]

Vector = NDArray[np.float32]
Figures = NDArray[np.float64]

DIFFERENT_CHANNELS, BOTH_BY_TELEPHONE = "different channels", "both by telephone"
"""Quality measures: 1 where one of two voices, or both, came by telephone, 0 otherwise."""

LOG_SECONDS = "log seconds"
"""Quality measure: logarithm of the seconds that a local speaker talks."""


@dataclass(frozen=True)
class DetectionCalibration:
    """Calibrations of an embedding space; fitted by ``python -m eval.extraction.detection``.

    Attributes
    ----------
    voice : ScoreCalibration
        Of the normalized score of a local speaker.
    presence : ScoreCalibration
        Of the log odds of the most likely stretch of a recording.
    """

    voice: ScoreCalibration
    presence: ScoreCalibration

    @classmethod
    def load(cls, fingerprint: str) -> DetectionCalibration:
        """Load what the package has for an embedding space.

        Raises
        ------
        ModelError
            If there is nothing for it.
        """
        path = asset_folder("tse") / "detection" / f"{fingerprint}.json"
        if not path.is_file():
            raise ModelError(
                f"no detection was calibrated for encoder {fingerprint}; take the embedded encoder"
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> DetectionCalibration:
        """Read what :meth:`write` wrote.

        Raises
        ------
        FormatError
            If the file holds something else.
        """
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
            return cls(*(ScoreCalibration(**card[name]) for name in ("voice", "presence")))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise FormatError(f"not a calibration ({error}); fit it again", str(path)) from error

    def write(self, path: Path) -> None:
        """Write JSON; an existing file is replaced atomically."""
        card = {name: vars(getattr(self, name)) for name in ("voice", "presence")}
        with atomic_path(path) as part:
            part.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def score_voices(
    local: LocalSpeakers, vector: Vector, cohort: Cohort
) -> tuple[Figures, dict[str, Figures]]:
    """Compare local speakers with the enrolled voice.

    Returns
    -------
    scores : ndarray, ``(windows, speakers)``
        Normalized cosines; of no meaning for local speakers who do not talk.
    quality : dict of str to ndarray
        Quality measures of the calibration, of the same shape.
    """
    shape = local.seconds.shape
    scores, differ, both = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    rows = local.embeddings[local.talking]  # (n, dim)
    if len(rows):
        scores[local.talking] = normalized_scores(vector, rows, cohort)
        called, here = cohort.are_telephone(rows), cohort.is_telephone(vector)
        differ[local.talking], both[local.talking] = called != here, called & here
    seconds = np.log(np.where(local.talking, local.seconds, 1.0))
    return scores, {DIFFERENT_CHANNELS: differ, BOTH_BY_TELEPHONE: both, LOG_SECONDS: seconds}
