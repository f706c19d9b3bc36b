"""Cohort of an encoder: other speakers, by microphone and by telephone, to compare scores with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.errors import ModelError

__all__ = ["Cohort", "load_cohort"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Unit vectors of other speakers.

    Attributes
    ----------
    recorded, by_telephone : ndarray of float32, ``(speakers, dim)``
        The same utterances of the same people, as recorded and as a telephone passes them on.
    """

    recorded: Vectors
    by_telephone: Vectors

    @property
    def vectors(self) -> Vectors:
        """All of them, ``(2 * speakers, dim)``."""
        return np.concatenate([self.recorded, self.by_telephone])

    def is_telephone(self, vector: Vectors) -> bool:
        """Tell whether a unit vector ``(dim,)`` is of a voice that came by telephone.

        Who talks cancels out in the mean over the people: it is on the side of the telephone if it
        lies more than half of the way along what a telephone changes in a voice.
        """
        return bool(self.are_telephone(vector[None])[0])

    def are_telephone(self, vectors: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell which of unit vectors ``(n, dim)`` are of voices that came by telephone."""
        change = self.by_telephone.mean(0) - self.recorded.mean(0)
        middle = (self.by_telephone.mean(0) + self.recorded.mean(0)) / 2
        return np.asarray((vectors - middle) @ change > 0)


def load_cohort(fingerprint: str) -> Cohort | None:
    """Load the cohort of an encoder; None if it has none.

    Raises
    ------
    ModelError
        If a file is damaged.
    """
    card = asset_folder() / "cohorts" / f"{fingerprint}.json"
    if not card.is_file():
        return None
    tensors = read_checkpoint(card).tensors
    try:
        return Cohort(tensors["recorded"].numpy(), tensors["by_telephone"].numpy())
    except KeyError as error:
        raise ModelError(f"{card}: has no {error}; reinstall the package") from None
