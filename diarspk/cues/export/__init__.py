"""Speaker vectors in the files that synthesis systems read.

A system reads vectors of the encoder it was trained with and of no other: a vector of another
space with the same dimension loads without complaint and speaks in nobody's voice. So an export
is refused unless it is known that the vector is of the system's space, and a card beside each file
says which space that was.
"""

from diarspk.cues.export.exporting import ExportCard, export_cue
from diarspk.cues.export.references import References, read_references
from diarspk.cues.export.targets import TARGETS, Target, check_space

__all__ = [
    "TARGETS",
    "ExportCard",
    "References",
    "Target",
    "check_space",
    "export_cue",
    "read_references",
]
