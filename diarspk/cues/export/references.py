"""Recordings of one speaker as vectors, mapped into another space where asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.profile import SpeakerProfile, build_profile
from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder
    from diarspk.verification.alignment import SpaceMap

__all__ = ["References", "read_references"]


@dataclass(frozen=True, eq=False)
class References:
    """A speaker as one or more recordings.

    Attributes
    ----------
    speaker : str
    space : Space
        Of the vectors.
    files : tuple of str
    vectors : ndarray of float32, ``(n, dim)``
        A unit vector for each file.
    """

    speaker: str
    space: Space
    files: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.files) != len(self.vectors):
            raise ArgumentError(
                f"`files` must name each of {len(self.vectors)} vectors, got {len(self.files)}"
            )

    @property
    def profile(self) -> SpeakerProfile:
        """Their mean, and which of them do not fit."""
        return build_profile(self.vectors)

    def without_outliers(self) -> References:
        """Leave out the recordings that do not fit."""
        outliers = self.profile.outliers
        kept = [index for index in range(len(self.files)) if index not in outliers]
        return replace(self, files=tuple(self.files[i] for i in kept), vectors=self.vectors[kept])

    def mapped(self, mapping: SpaceMap) -> References:
        """Take them to another space."""
        return replace(self, space=mapping.output, vectors=mapping.transform(self.vectors))


def read_references(
    speaker: str, files: Sequence[str | Path], encoder: SpeakerEncoder, name: str = ""
) -> References:
    """Embed recordings of one speaker; ``name`` is what the encoder is called.

    Raises
    ------
    AudioError
        If one cannot be read.
    ArgumentError
        If there is none, or two have the same path.
    """
    paths = [str(file) for file in files]
    if not paths or len(set(paths)) < len(paths):
        raise ArgumentError(f"`files` must be different recordings, got {paths}")
    vectors = np.stack([encoder.embed(path) for path in paths])
    space = replace(encoder.space, name=name)
    return References(speaker, space, tuple(paths), unit_rows(vectors, space.dimension))
