"""Embedding spaces: vectors compare only within one, and an equal dimension says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diarspk.errors import ModelError

if TYPE_CHECKING:
    pass

__all__ = ["Space", "require_same_space"]


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
