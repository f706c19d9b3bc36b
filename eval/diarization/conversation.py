"""A recording with its reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyannote.core import Annotation, Timeline

__all__ = ["Conversation"]


@dataclass(frozen=True)
class Conversation:
    """A recording, who spoke when in it, and the part of it that is scored."""

    audio: Path
    reference: Annotation
    uem: Timeline
    recording: str = ""

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
