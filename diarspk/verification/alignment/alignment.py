"""Interface of alignments between two embedding spaces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import check_sequence, check_type
from diarspk.checkpoints.digest import digest_arrays
from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Alignment", "Pairs", "Side", "SpaceMap", "new_space"]

Side = Literal["enrolment", "runtime"]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class SpaceMap:
    """Map from one embedding space into another.

    Attributes
    ----------
    source, output : Space
        Spaces of the input and of the output.
    transform : callable
        Callable(vectors ``(n, dim)``) -> unit vectors ``(n, output.dimension)``.
    """

    source: Space
    output: Space
    transform: Callable[[Rows], Rows]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Unit vectors of the same utterances from both encoders.

    Attributes
    ----------
    enrolment, runtime : ndarray of float32, ``(n, dim)``
        The dimensions may differ.
    speakers : ndarray of int64, ``(n,)``, or None
        Speaker of each utterance, from 0; None where unknown.
    """

    enrolment: Rows
    runtime: Rows
    speakers: NDArray[np.int64] | None


class Alignment(ABC):
    """Map that makes embeddings of an enrolment and of a run-time encoder comparable by cosine.

    Parameters
    ----------
    enrolment, runtime : Space
        Spaces of the two encoders.
    """

    method: str
    """Identifier in files."""

    def __init__(self, enrolment: Space, runtime: Space) -> None:
        self.enrolment = enrolment
        self.runtime = runtime

    def fit(
        self, enrolment: ArrayLike, runtime: ArrayLike, speakers: Sequence[str] | None = None
    ) -> Self:
        """Fit to embeddings of the same utterances from both encoders.

        Parameters
        ----------
        enrolment : array_like, ``(n, enrolment dim)``
        runtime : array_like, ``(n, runtime dim)``
        speakers : sequence of str, ``n``, optional
            Speaker of each utterance: used by the contrastive loss, required by the speaker-logit
            baseline.

        Raises
        ------
        ArgumentError
            Shapes or lengths do not fit.
        """
        if speakers is not None:
            speakers = check_sequence(speakers, "speakers")
            for speaker in speakers:
                check_type(speaker, "speakers", str)
        first = unit_rows(enrolment, self.enrolment.dimension)
        second = unit_rows(runtime, self.runtime.dimension)
        if len(first) != len(second) or (speakers is not None and len(speakers) != len(first)):
            raise ArgumentError(
                "`enrolment`, `runtime` and `speakers` must be equally long, got "
                f"{len(first)}, {len(second)}"
                + ("" if speakers is None else f" and {len(speakers)}")
            )
        labels = None if speakers is None else _number(speakers)
        self._fit(Pairs(first, second, labels))
        return self

    def transform(self, vectors: ArrayLike, *, side: Side) -> Rows:
        """Map vectors ``(n, dim)`` of one side into :attr:`output`: unit vectors.

        Raises
        ------
        ArgumentError
            If the shape does not fit, or ``fit`` has not been called.
        """
        if not self.fitted:
            raise ArgumentError("`fit` must be called before `transform`")
        if not isinstance(side, str) or side not in get_args(Side):
            raise ArgumentError(f"`side` must be enrolment or runtime, got {side!r}")
        rows = unit_rows(vectors, getattr(self, side).dimension)
        return unit_rows(self._transform(rows, side), self.output.dimension)

    def map_from(self, fingerprint: str) -> SpaceMap:
        """Return the map of the side with this fingerprint.

        Raises
        ------
        ModelError
            Neither side has it.
        """
        check_type(fingerprint, "fingerprint", str)
        sides: tuple[Side, Side] = ("enrolment", "runtime")
        for side in sides:
            space: Space = getattr(self, side)
            if space.fingerprint == fingerprint:
                return SpaceMap(space, self.output, partial(self.transform, side=side))
        raise ModelError(
            f"the alignment maps embeddings of fingerprint {self.enrolment.fingerprint} and "
            f"{self.runtime.fingerprint}, got {fingerprint}; fit one for this encoder"
        )

    @property
    @abstractmethod
    def output(self) -> Space:
        """Common space of both sides."""

    @property
    @abstractmethod
    def fitted(self) -> bool:
        """Whether :meth:`fit` or :meth:`restore` has been called."""

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the fitted parameters by name."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Set the fitted parameters, as :meth:`arrays` returns them."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the constructor arguments except the spaces, for JSON."""

    @abstractmethod
    def _fit(self, pairs: Pairs) -> None: ...

    @abstractmethod
    def _transform(self, rows: Rows, side: Side) -> Rows: ...


def _number(speakers: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(np.asarray(speakers), return_inverse=True)[1].astype(np.int64)


def new_space(arrays: Mapping[str, NDArray[np.float32]], dimension: int, name: str) -> Space:
    """Space defined by fitted parameters: its fingerprint is their digest."""
    digest = digest_arrays({key: np.asarray(array, "<f4") for key, array in arrays.items()})
    return Space(digest[:16], dimension, name)
