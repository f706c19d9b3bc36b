"""Speaker encoders of a training's cue: loaded by name, described, and found again by an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ArgumentError
from eval.extraction.study_encoders import load_study_encoder
from recipes.extraction.data import Voices, read_voices
from recipes.extraction.vectors import EMBEDDED, read_vectors
from tse.card_encoders import base_fingerprint
from tse.cue_encoders import join_encoders
from tse.loading import WITHOUT_ENCODER

__all__ = ["CueEncoders", "load_encoders", "trained_encoders"]


@dataclass(frozen=True)
class CueEncoders:
    """Speaker encoders of a cue, by name; none for a cue without.

    Attributes
    ----------
    names : tuple of str
    loaded : tuple of SpeakerEncoder
    tuned : bool
        Whether they are trained along, so that packed vectors are of no use.
    """

    names: tuple[str, ...] = ()
    loaded: tuple[SpeakerEncoder, ...] = ()
    tuned: bool = False

    @property
    def joined(self) -> SpeakerEncoder | None:
        """All side by side."""
        return join_encoders(self.loaded) if self.loaded else None

    def describe(self) -> list[dict[str, str]]:
        """Name and fingerprint of each, for a checkpoint."""
        return [
            {"name": name, "fingerprint": base_fingerprint(encoder)}
            for name, encoder in zip(self.names, self.loaded, strict=True)
        ]

    def read_voices(self, folder: Path) -> Voices:
        """Open packed voices with their vectors by these encoders."""
        voices = read_voices(folder)
        if self.tuned or not self.loaded:
            return voices
        named = list(zip(self.names, self.loaded, strict=True))
        return replace(voices, vectors=read_vectors(folder, named))

    def packed_vectors(self, voices: Voices) -> NDArray[np.float32]:
        """Vectors of all pieces, ``(pieces, dim)``.

        Raises
        ------
        ArgumentError
            If the voices have none.
        """
        if voices.vectors is None:
            raise ArgumentError("--vectors-before goes with packed vectors; leave it out")
        return voices.vectors[:]


def load_encoders(cue: str, names: Sequence[str], *, tuned: bool = False) -> CueEncoders:
    """Load the encoders of a cue.

    Parameters
    ----------
    cue
        By its name.
    names
        See :mod:`tse.cue_encoders`. Default: the embedded encoder, where the cue has one.

    Raises
    ------
    ArgumentError
        If the cue needs none, but some are named.
    ModelError
        If one cannot be loaded.
    """
    if cue in WITHOUT_ENCODER:
        if names:
            raise ArgumentError(
                f"--encoder does not go with the cue {cue}, which needs none; leave it out, or "
                "choose another --cue"
            )
        return CueEncoders()
    chosen = tuple(names) or (EMBEDDED,)
    return CueEncoders(chosen, tuple(load_study_encoder(name) for name in chosen), tuned)


def trained_encoders(settings: Mapping[str, Any], names: Sequence[str]) -> CueEncoders:
    """Load the encoders of a training from the settings in its checkpoint.

    Parameters
    ----------
    settings
        As ``recipes.extraction.train`` stores them.
    names
        In the place of the names in the checkpoint, such as paths of files that were moved.

    Raises
    ------
    ArgumentError
        If one is another encoder than that of the training.
    """
    trained = settings.get("encoders") or []
    known = [one["name"] for one in trained]
    found = load_encoders(settings["cue"], names or [one for one in known if one != EMBEDDED])
    if names and trained and len(names) != len(trained):
        raise ArgumentError(
            f"--encoder must name {len(trained)} encoders ({', '.join(known)}), as the training "
            f"had them, got {len(names)}"
        )
    # Checkpoints of earlier versions say nothing of their encoder.
    for one, now in zip(trained, found.describe(), strict=False):
        if one["fingerprint"] != now["fingerprint"]:
            raise ArgumentError(
                f"the training read the encoder {one['name'] or DEFAULT} of fingerprint "
                f"{one['fingerprint']}, but {now['name'] or DEFAULT} is {now['fingerprint']} now; "
                "give that encoder by --encoder, or train anew"
            )
    return found
