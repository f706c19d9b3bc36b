"""Two encoders on the same utterances, and alignments fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.alignment import Alignment, make_alignment
from eval.embeddings.embedding_cache import EmbeddedSplit

__all__ = ["Pair", "fit_alignment"]


@dataclass(frozen=True, eq=False)
class Pair:
    """The same train and dev utterances by both encoders."""

    train: tuple[EmbeddedSplit, EmbeddedSplit]
    dev: tuple[EmbeddedSplit, EmbeddedSplit]


def fit_alignment(method: str, pair: Pair, chosen: NDArray[np.intp] | None = None) -> Alignment:
    """Fit on the train split, or on some of its utterances."""
    first, second = pair.train
    rows = np.arange(len(first.names)) if chosen is None else chosen
    alignment = make_alignment(method, first.space, second.space)
    names = [first.speakers[row] for row in rows]
    return alignment.fit(first.vectors[rows], second.vectors[rows], names)
