"""Linear maps: the controls that a network must beat to be worth having."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.alignment.alignment import Alignment, Pairs, Rows, Side

__all__ = ["LinearAlignment"]


class LinearAlignment(Alignment):
    """One matrix from one space into the other.

    Parameters
    ----------
    enrolment, runtime : Space
    toward : "enrolment" or "runtime"
        The space that stays as it is.
    kind : "procrustes" or "least_squares"
        An orthogonal matrix (Schonemann, 1966), which keeps all angles where the dimensions are
        equal; or any matrix with an offset, by ridge regression.
    ridge : float
        Penalty of least squares, per pair.
    """

    method = "linear"

    def __init__(
        self,
        enrolment: Space,
        runtime: Space,
        *,
        toward: Side = "enrolment",
        kind: Literal["procrustes", "least_squares"] = "procrustes",
        ridge: float = 1e-4,
    ) -> None:
        super().__init__(enrolment, runtime)
        if toward not in ("enrolment", "runtime") or kind not in ("procrustes", "least_squares"):
            raise ArgumentError(
                "`toward` must be enrolment or runtime and `kind` procrustes or least_squares, "
                f"got {toward!r} and {kind!r}"
            )
        self.toward: Side = toward
        self.kind = kind
        self.ridge = ridge
        self.matrix_: NDArray[np.float32] | None = None
        self.offset_: NDArray[np.float32] | None = None

    @property
    def output(self) -> Space:
        """See :class:`Alignment`."""
        return self.enrolment if self.toward == "enrolment" else self.runtime

    @property
    def fitted(self) -> bool:
        """See :class:`Alignment`."""
        return self.matrix_ is not None

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """See :class:`Alignment`."""
        assert self.matrix_ is not None and self.offset_ is not None
        return {"matrix": self.matrix_, "offset": self.offset_}

    def restore(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """See :class:`Alignment`."""
        self.matrix_, self.offset_ = arrays["matrix"], arrays["offset"]

    def settings(self) -> dict[str, Any]:
        """See :class:`Alignment`."""
        return {"toward": self.toward, "kind": self.kind, "ridge": self.ridge}

    def _fit(self, pairs: Pairs) -> None:
        ends = (pairs.runtime, pairs.enrolment)
        moving, fixed = ends if self.toward == "enrolment" else ends[::-1]
        x, y = moving.astype(np.float64), fixed.astype(np.float64)
        if self.kind == "procrustes":
            left, _, right = np.linalg.svd(x.T @ y, full_matrices=False)
            matrix, offset = left @ right, np.zeros(y.shape[1])
        else:
            mean_x, mean_y = x.mean(0), y.mean(0)
            centred = x - mean_x
            penalty = self.ridge * len(x) * np.eye(x.shape[1])
            matrix = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (y - mean_y))
            offset = mean_y - mean_x @ matrix
        self.matrix_, self.offset_ = matrix.astype(np.float32), offset.astype(np.float32)

    def _transform(self, rows: Rows, side: Side) -> Rows:
        if side == self.toward:
            return rows
        assert self.matrix_ is not None and self.offset_ is not None
        return rows @ self.matrix_ + self.offset_
