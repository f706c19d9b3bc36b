"""References: embeddings of recordings of one speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_method, check_path, check_sequence, check_type
from diarspk.embeddings.profile import SpeakerProfile, build_profile
from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import unit_rows
from diarspk.errors import ArgumentError
from diarspk.formats.names import escape_undecoded, plain_name

if TYPE_CHECKING:
    from diarspk.audio import Audio
    from diarspk.encoders.base import SpeakerEncoder
    from diarspk.verification.alignment import SpaceMap

__all__ = ["References", "read_references"]


@dataclass(frozen=True, eq=False)
class References:
    """Embeddings of one or more recordings of a speaker.

    Attributes
    ----------
    speaker : str
        Name of the speaker.
    space : Space
        Space of the vectors.
    files : tuple of str
        Paths of the recordings.
    vectors : ndarray of float32, ``(n, dim)``
        Unit vector of each recording.
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
        """Mean of the vectors, and the outliers among them."""
        return build_profile(self.vectors)

    def without_outliers(self) -> References:
        """Remove the outliers."""
        outliers = self.profile.outliers
        inliers = [index for index in range(len(self.files)) if index not in outliers]
        return replace(
            self, files=tuple(self.files[i] for i in inliers), vectors=self.vectors[inliers]
        )

    def mapped(self, mapping: SpaceMap) -> References:
        """Map the vectors into another space."""
        return replace(self, space=mapping.output, vectors=mapping.transform(self.vectors))


def read_references(
    speaker: str,
    files: Sequence[str | Path],
    encoder: SpeakerEncoder,
    name: str = "",
    recordings: Sequence[Audio] | None = None,
) -> References:
    """Embed recordings of one speaker.

    Parameters
    ----------
    speaker
        Name of the speaker.
    files
        Paths of the recordings.
    encoder, name
        Speaker encoder, and its name.
    recordings
        The recordings, where they are open already. Default: those of the paths.

    Raises
    ------
    AudioError
        If a recording cannot be read.
    ArgumentError
        If there are no recordings, or two have the same path.
    """
    check_method(encoder, "encoder", "embed", "a speaker encoder")
    check_type(speaker, "speaker", str)
    check_type(name, "name", str)
    paths = [str(check_path(file, "files")) for file in check_sequence(files, "files")]
    opened = paths if recordings is None else check_sequence(recordings, "recordings")
    if not paths or len(set(paths)) < len(paths):
        raise ArgumentError(f"`files` must be different recordings, got {paths}")
    if len(opened) != len(paths):
        raise ArgumentError(
            f"`recordings` must be those of {len(paths)} files, got {len(opened)} of them"
        )
    vectors = np.stack([encoder.embed(one) for one in opened])
    space = replace(encoder.space, name=name)
    named = tuple(escape_undecoded(path) for path in paths)  # files of text will hold them
    return References(plain_name(speaker), space, named, unit_rows(vectors, space.dimension))
