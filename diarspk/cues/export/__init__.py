"""Export of speaker vectors to the file formats of speech synthesis systems.

A synthesis system reads vectors of the encoder that it was trained with: a vector of another space
and the same dimension loads without an error and gives a voice that is nobody's. An export is
therefore refused unless the vector is known to be of the system's space, and a card beside each
file names its space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cues.export.exporting import (
        TARGETS,
        ExportCard,
        Target,
        check_space,
        export_cue,
    )
    from diarspk.cues.export.references import References, read_references

__all__ = [
    "TARGETS",
    "ExportCard",
    "References",
    "Target",
    "check_space",
    "export_cue",
    "read_references",
]

_HOMES = {
    "TARGETS": "diarspk.cues.export.exporting",
    "ExportCard": "diarspk.cues.export.exporting",
    "References": "diarspk.cues.export.references",
    "Target": "diarspk.cues.export.exporting",
    "check_space": "diarspk.cues.export.exporting",
    "export_cue": "diarspk.cues.export.exporting",
    "read_references": "diarspk.cues.export.references",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
