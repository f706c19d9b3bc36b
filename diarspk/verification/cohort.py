"""Cohort of an encoder: vectors of many other speakers, against which scores are normalized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.errors import ModelError

__all__ = ["load_cohort"]


def load_cohort(fingerprint: str) -> NDArray[np.float32] | None:
    """Load the cohort of an encoder: unit vectors ``(n, dim)``; None if it has none.

    Each speaker is there as recorded, and as heard by telephone: of either kind those count that
    are like a recording, so that its channel is in both sides of the comparison.

    Raises
    ------
    ModelError
        If a file is damaged.
    """
    card = asset_folder() / "cohorts" / f"{fingerprint}.json"
    if not card.is_file():
        return None
    tensors = read_checkpoint(card).tensors
    if "vectors" not in tensors:
        raise ModelError(f"{card}: has no vectors; reinstall the package")
    return np.asarray(tensors["vectors"].numpy(), np.float32)
