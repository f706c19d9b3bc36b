"""A recording with its reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyannote.core import Annotation, Timeline

__all__ = ["OWN", "Conversation", "collection_title"]

OWN = "own"
"""Name of the reference that lies beside a recording."""


def collection_title(collection: str, reference: str) -> str:
    """Name of a data set with its reference, where that is not its own.

    Examples
    --------
    >>> collection_title("ami", "own"), collection_title("ami", "mfa")
    ('ami', 'ami (mfa)')
    """
    return collection if reference == OWN else f"{collection} ({reference})"


@dataclass(frozen=True)
class Conversation:
    """A recording, who spoke when in it, and the part of it that is scored.

    Attributes
    ----------
    audio : Path
    reference : Annotation
        The one that lies beside the recording.
    uem : Timeline
    recording : str
        Id, where it is not the name of the file.
    further : mapping of str to Annotation
        Other references of the same recording, by name.
    """

    audio: Path
    reference: Annotation
    uem: Timeline
    recording: str = ""
    further: Mapping[str, Annotation] = field(default_factory=dict)

    @property
    def references(self) -> dict[str, Annotation]:
        """Every reference by name, its own first."""
        return {OWN: self.reference, **self.further}

    @property
    def name(self) -> str:
        """Id of the recording; without one, the name of its file."""
        return self.recording or self.audio.stem

    @property
    def duration(self) -> float:
        """Seconds that are scored."""
        return float(self.uem.duration())

    def count_speakers(self, annotation: Annotation) -> int:
        """Count the speakers that an annotation names within the scored part."""
        return len(annotation.crop(self.uem).labels())
