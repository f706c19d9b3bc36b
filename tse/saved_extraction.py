"""Live extraction in a file: what a session goes on from, and the models that it was of."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from diarspk.arguments import check_path
from diarspk.errors import FormatError, ModelError
from diarspk.streaming.state import read_state, write_state
from tse.cues import Cue

__all__ = ["SavedExtraction"]

WRITER = "StreamingExtractor.save"


@dataclass(frozen=True, eq=False)
class SavedExtraction:
    """Session of a :class:`~tse.StreamingExtractor`.

    Attributes
    ----------
    extractor : str
        Fingerprint of the extractor.
    cue : Cue
        Voice that is extracted.
    settings, state : dict
        Arguments of the session, and where it stands: arrays, and what JSON can hold.
    diarizer : str, optional
        Fingerprint of the diarizer's encoder; None without a diarizer.
    vector : ndarray, optional
        The voice by that encoder.
    file : Path, optional
        Where it was read.
    """

    extractor: str
    cue: Cue
    settings: dict[str, Any]
    state: dict[str, Any]
    diarizer: str | None = None
    vector: NDArray[Any] | None = None
    file: Path | None = None

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it, whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        levels = {level.name: getattr(self.cue, level.name) for level in fields(Cue)}
        content = {
            "extractor": self.extractor,
            "cue": {
                name: None if value is None else value.numpy(force=True)
                for name, value in levels.items()
            },
            "settings": self.settings,
            "state": self.state,
            "diarizer": self.diarizer,
            "vector": self.vector,
        }
        write_state(check_path(path, "path"), content, WRITER)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> SavedExtraction:
        """Read what :meth:`write` has written.

        Raises
        ------
        FormatError
            If the file is missing, damaged, or another.
        """
        file = check_path(path, "path")
        content = read_state(file, WRITER)
        try:
            levels = {
                name: None if value is None else torch.from_numpy(value)
                for name, value in content.pop("cue").items()
            }
            return cls(cue=Cue(**levels), file=Path(file), **content)
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(
                f"not a session of this version ({error!r}); {WRITER} writes one", str(file)
            ) from error

    def check(self, part: str, fingerprint: str) -> None:
        """Refuse another extractor, or a diarizer of another encoder, than the session had.

        Raises
        ------
        ModelError
        """
        if (own := getattr(self, part)) != fingerprint:
            raise ModelError(
                f"{self.file}: is of the {part} {own}, this one is {fingerprint}; pass that {part}"
            )
