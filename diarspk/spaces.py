"""Embedding spaces: vectors compare only within one, and an equal dimension says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["Space", "require_same_space", "space_of", "unit_rows"]


@dataclass(frozen=True)
class Space:
    """Where embeddings live.

    Attributes
    ----------
    fingerprint : str
        Of the encoder, or of the alignment, that makes the embeddings.
    dimension : int
    name : str
        What a person calls the encoder; no two spaces are told apart by it.
    """

    fingerprint: str
    dimension: int
    name: str = ""

    def __str__(self) -> str:
        named = f"{self.name!r}, " if self.name else ""
        return f"{named}fingerprint {self.fingerprint}, dimension {self.dimension}"


def space_of(encoder: SpeakerEncoder, name: str = "") -> Space:
    """Space of an encoder's embeddings."""
    return Space(encoder.fingerprint, encoder.dimension, name)


def require_same_space(expected: str, got: str, what: str) -> None:
    """Refuse to bring vectors of two spaces together.

    Parameters
    ----------
    expected, got : str
        Fingerprints.
    what : str
        Begins the message: the file or the argument at fault.

    Raises
    ------
    ModelError
        If they differ.
    """
    if expected != got:
        raise ModelError(
            f"{what} holds embeddings of fingerprint {expected}, got one of {got}; vectors of "
            "different spaces do not compare even where their dimension is equal: use the same "
            "encoder, or map them with `diarspk align`"
        )


def unit_rows(vectors: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """Check vectors ``(dim,)`` or ``(n, dim)`` and bring them to unit norm, ``(n, dim)``.

    Raises
    ------
    ArgumentError
        If the shape is another, a value is not finite, or a vector is zero.
    """
    rows = np.atleast_2d(np.asarray(vectors, np.float32))
    if rows.ndim != 2 or rows.shape[1] != dimension or len(rows) == 0:
        raise ArgumentError(f"`vectors` must be of shape (n, {dimension}), got {np.shape(vectors)}")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ArgumentError("`vectors` must be finite and not zero; was the recording silent?")
    return np.asarray(rows / norms, np.float32)
