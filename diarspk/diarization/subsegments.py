"""Subsegments: short overlapping stretches of a recording, embedded whoever talks in them.

Local speakers are long and few; subsegments are short and many. They tell who talks where the
segmentation has taken two speakers for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.segmentation.windows import WindowGrid

__all__ = ["ChosenFrames", "SubsegmentCollector", "SubsegmentGrid", "Subsegments"]

LENGTH_S = 1.5
STEP_S = 0.48
MIN_DURATION_S = 0.3
"""Minimum speech in a subsegment that is embedded."""


@dataclass(frozen=True, eq=False)
class Subsegments:
    """Embeddings of the single-speaker speech of each stretch, or of all its speech without any.

    Attributes
    ----------
    centre : NDArray of int64, shape (n,)
        Frame of the recording in the middle of each, rising.
    embeddings : NDArray of float32, shape (n, dim)
        Unit vectors.
    seconds : NDArray of float64, shape (n,)
        Single-speaker speech behind each; 0 where the embedding is of several speakers.
    """

    centre: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]


class ChosenFrames(NamedTuple):
    """Frames that the subsegments of one window are embedded from.

    ``centre`` and ``seconds`` are as in :class:`Subsegments`; ``weights (n, frames)`` are those of
    the frames of the window, in {0, 1}.
    """

    centre: NDArray[np.int64]
    weights: NDArray[np.float32]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SubsegmentGrid:
    """Centres of the subsegments of a recording, and the window that each is embedded with.

    Attributes
    ----------
    centre : NDArray of int64, shape (n,)
        Frames of the recording, rising.
    window : NDArray of int64, shape (n,)
        The window in whose middle each lies the best.
    hop : float
        Seconds between frames.
    """

    centre: NDArray[np.int64]
    window: NDArray[np.int64]
    hop: float

    @classmethod
    def over(cls, windows: WindowGrid) -> SubsegmentGrid:
        """Lay subsegments over the windows of a recording."""
        starts, length, hop = windows.starts, windows.length, windows.hop
        centre = np.arange(0, int(starts[-1]) + length, max(round(STEP_S / hop), 1))
        middles = starts + length / 2
        window = np.searchsorted((middles[:-1] + middles[1:]) / 2, centre)
        return cls(centre, window, hop)

    def choose(
        self, activity: NDArray[np.bool_], starts: NDArray[np.int64], first: int
    ) -> list[ChosenFrames]:
        """Frames that the subsegments of some consecutive windows are embedded from.

        Parameters
        ----------
        activity
            Who talks in these windows, ``(windows, frames, speakers)``.
        starts
            First frame of each in the recording, ``(windows,)``.
        first
            Number of the first of these windows.
        """
        numbers = np.arange(first, first + len(activity))
        edges = np.searchsorted(self.window, np.append(numbers, numbers[-1] + 1))
        return [
            self._choose(active, self.centre[begin:end], int(start))
            for active, start, begin, end in zip(
                activity, starts, edges[:-1], edges[1:], strict=True
            )
        ]

    def _choose(
        self, active: NDArray[np.bool_], centre: NDArray[np.int64], start: int
    ) -> ChosenFrames:
        distance = np.abs(np.arange(start, start + len(active)) - centre[:, None])
        near = distance * self.hop <= LENGTH_S / 2  # (subsegments, frames)
        speakers = active.sum(1)
        alone, spoken = near & (speakers == 1), near & (speakers > 0)
        clean = alone.sum(1) * self.hop >= MIN_DURATION_S
        weights = np.where(clean[:, None], alone, spoken)
        enough = weights.sum(1) * self.hop >= MIN_DURATION_S
        seconds = np.where(clean, alone.sum(1) * self.hop, 0.0)
        return ChosenFrames(centre[enough], weights[enough].astype(np.float32), seconds[enough])


class SubsegmentCollector:
    """Collector of the subsegments of a recording, window by window, in arrays with room for all.

    Parameters
    ----------
    grid
        Where they lie.
    dimension
        Number of dimensions of an embedding.
    """

    def __init__(self, grid: SubsegmentGrid, dimension: int) -> None:
        self.grid = grid
        count = len(grid.centre)
        self._all = Subsegments(
            np.empty(count, np.int64),
            np.empty((count, dimension), np.float32),
            np.empty(count, np.float64),
        )
        self._count = 0

    def store(self, chosen: list[ChosenFrames], embeddings: NDArray[np.float32]) -> None:
        """Store the embeddings ``(n, dim)`` of some windows' subsegments, in their order."""
        rows = slice(self._count, self._count + len(embeddings))
        self._all.embeddings[rows] = embeddings
        self._all.centre[rows] = np.concatenate([each.centre for each in chosen])
        self._all.seconds[rows] = np.concatenate([each.seconds for each in chosen])
        self._count = rows.stop

    @property
    def subsegments(self) -> Subsegments:
        """Those that are stored."""
        held, count = self._all, self._count
        return Subsegments(held.centre[:count], held.embeddings[:count], held.seconds[:count])
