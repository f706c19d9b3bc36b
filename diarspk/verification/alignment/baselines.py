"""Alignments in closed form: linear controls, and the speaker-logit baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from diarspk.verification.alignment.alignment import Alignment, Pairs, Rows, Side, new_space

__all__ = ["LinearAlignment", "LogitAlignment"]

_SIDES: tuple[Side, Side] = ("enrolment", "runtime")


class LinearAlignment(Alignment):
    """Linear map from one space into the other: the control of the networks.

    Parameters
    ----------
    enrolment, runtime : Space
    toward : "enrolment" or "runtime"
        The space that is mapped into.
    kind : "procrustes" or "least_squares"
        Orthogonal Procrustes (Schonemann, 1966), which preserves all angles between spaces of equal
        dimension; or ridge regression with an offset.
    ridge : float
        Ridge of least squares, per pair.
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


class LogitAlignment(Alignment):
    """Cosines with the centroids of training speakers, in the space of each encoder.

    The baseline of NESSA (arXiv 2401.12440, section 2): it needs no training, but is weak where the
    objectives of the encoders differ.

    Parameters
    ----------
    enrolment, runtime : Space
    centred : bool
        Subtract each side's mean logits over the training utterances, which make all cosines high
        otherwise.
    """

    method = "logits"

    def __init__(self, enrolment: Space, runtime: Space, *, centred: bool = False) -> None:
        super().__init__(enrolment, runtime)
        self.centred = centred
        self.means_: dict[Side, NDArray[np.float32]] = {}
        self.centres_: dict[Side, NDArray[np.float32]] = {}

    @property
    def output(self) -> Space:
        """See :class:`Alignment`."""
        if not self.fitted:
            raise ArgumentError("`fit` must be called before `output` is known")
        return new_space(self.arrays(), len(self.means_["enrolment"]), "speaker logits")

    @property
    def fitted(self) -> bool:
        """See :class:`Alignment`."""
        return bool(self.means_)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """See :class:`Alignment`."""
        means = {f"{side}.means": rows for side, rows in self.means_.items()}
        return means | {f"{side}.centre": row for side, row in self.centres_.items()}

    def restore(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """See :class:`Alignment`."""
        for side in _SIDES:
            self.means_[side] = arrays[f"{side}.means"]
            self.centres_[side] = arrays[f"{side}.centre"]

    def settings(self) -> dict[str, Any]:
        """See :class:`Alignment`."""
        return {"centred": self.centred}

    def _fit(self, pairs: Pairs) -> None:
        if pairs.speakers is None:
            raise ArgumentError("`speakers` must be given: the logits are similarities to them")
        for side, rows in zip(_SIDES, (pairs.enrolment, pairs.runtime), strict=True):
            sums = np.zeros((int(pairs.speakers.max()) + 1, rows.shape[1]), np.float64)
            np.add.at(sums, pairs.speakers, rows)
            self.means_[side] = normalize_rows(sums).astype(np.float32)
            logits = rows @ self.means_[side].T
            centre = logits.mean(0) if self.centred else np.zeros(logits.shape[1])
            self.centres_[side] = centre.astype(np.float32)

    def _transform(self, rows: Rows, side: Side) -> Rows:
        return rows @ self.means_[side].T - self.centres_[side]
