"""The speaker-logit baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from diarspk.verification.alignment.alignment import Alignment, Pairs, Rows, Side, new_space

__all__ = ["LogitAlignment"]


class LogitAlignment(Alignment):
    """An embedding as its cosines with the means of speakers that both encoders know.

    The baseline of NESSA (arXiv 2401.12440, section 2): nothing is trained, but it is weak where
    the objectives of the encoders differ.

    Parameters
    ----------
    enrolment, runtime : Space
    centred : bool
        Subtract each side's mean logits over the training utterances, which otherwise make all
        cosines high.
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


_SIDES: tuple[Side, Side] = ("enrolment", "runtime")
