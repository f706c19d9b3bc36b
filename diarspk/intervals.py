"""Half-open intervals of frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_runs"]


def find_runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find the runs of true in a mask ``(frames,)``.

    Returns
    -------
    NDArray, shape (runs, 2)
        First frame of each run, and the frame after its last.
    """
    changes: NDArray[Any] = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return changes.reshape(-1, 2)
