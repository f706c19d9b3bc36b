"""Embeddings with the names of who speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Labelled:
    """Embeddings ``(n, dim)`` and who speaks in each ``(n,)``."""

    embeddings: NDArray[np.float32]
    speakers: NDArray[np.str_]

    def of_several(self) -> Labelled:
        """Select the speakers with two embeddings or more."""
        _, numbers, counts = np.unique(self.speakers, return_inverse=True, return_counts=True)
        several = counts[numbers] > 1
        return Labelled(self.embeddings[several], self.speakers[several])
