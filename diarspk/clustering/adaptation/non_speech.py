"""Non-speech as one more cluster, dropped after clustering (Kwon et al. 2021, arXiv 2104.02879)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError

__all__ = ["NonSpeechCluster"]


@dataclass(frozen=True)
class NonSpeechCluster:
    """Embeddings of what is surely not speech take part in clustering as one cluster.

    Speech embeddings that end up in it were false alarms: they belong to nobody. Speakers are
    never all dropped.

    Attributes
    ----------
    most_rows : int
        Non-speech embeddings that take part, evenly spaced over the session.
    shortest_s : float
        Seconds of non-speech that a window must have to give one.
    """

    most_rows: int = 200
    shortest_s: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.most_rows < 1:
            raise ArgumentError(f"`most_rows` must be at least 1, got {self.most_rows}.")
        if not self.shortest_s > 0:
            raise ArgumentError(f"`shortest_s` must be above 0 s, got {self.shortest_s}.")

    def choose(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """At most `most_rows` of the non-speech embeddings ``(m, dim)``, evenly spaced."""
        count = min(len(embeddings), self.most_rows)
        rows = np.linspace(0, max(len(embeddings) - 1, 0), count).round().astype(np.int64)
        return embeddings[rows]
