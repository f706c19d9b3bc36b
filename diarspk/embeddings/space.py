"""Embedding spaces: only vectors of one space compare, whatever their dimension."""

from __future__ import annotations

from dataclasses import dataclass

from diarspk.errors import ModelError

__all__ = ["Space", "require_same_space"]


@dataclass(frozen=True)
class Space:
    """Embedding space of an encoder or of an alignment.

    Attributes
    ----------
    fingerprint : str
        Digest of the encoder, or of the alignment, that computes the embeddings.
    dimension : int
    name : str
        Name of the encoder, for messages; spaces are distinguished by fingerprint alone.
    """

    fingerprint: str
    dimension: int
    name: str = ""

    def __str__(self) -> str:
        named = f"{self.name!r}, " if self.name else ""
        return f"{named}fingerprint {self.fingerprint}, dimension {self.dimension}"


def require_same_space(expected: str, got: str, what: str) -> None:
    """Raise unless two fingerprints are equal.

    Parameters
    ----------
    expected, got : str
        Fingerprints.
    what : str
        File or argument at fault: the beginning of the message.

    Raises
    ------
    ModelError
        The fingerprints differ.
    """
    if expected != got:
        raise ModelError(
            f"{what} holds embeddings of fingerprint {expected}, got one of {got}; vectors of "
            "different spaces do not compare even where their dimension is equal: use the same "
            "encoder, or map them with `diarspk align`"
        )
