"""Export of speaker vectors, and of clips with their words, for speech synthesis systems.

A synthesis system reads vectors of the encoder that it was trained with: a vector of another space
and the same dimension loads without an error and gives a voice that is nobody's. An export is
therefore refused unless the vector is known to be of the system's space, and a card beside each
file names its space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cues.export.exporting import ExportCard, export_cue
    from diarspk.cues.export.references import References, read_references
    from diarspk.cues.export.targets import TARGETS, Target, check_space
    from diarspk.cues.export.voices import SYNTHESIZERS, export_voices
    from diarspk.cues.export.whole_cue import CueCard, export_whole_cue

__all__ = [
    "SYNTHESIZERS",
    "TARGETS",
    "CueCard",
    "ExportCard",
    "References",
    "Target",
    "check_space",
    "export_cue",
    "export_voices",
    "export_whole_cue",
    "read_references",
]

_HOMES = {
    "SYNTHESIZERS": "diarspk.cues.export.voices",
    "TARGETS": "diarspk.cues.export.targets",
    "CueCard": "diarspk.cues.export.whole_cue",
    "ExportCard": "diarspk.cues.export.exporting",
    "References": "diarspk.cues.export.references",
    "Target": "diarspk.cues.export.targets",
    "check_space": "diarspk.cues.export.targets",
    "export_cue": "diarspk.cues.export.exporting",
    "export_voices": "diarspk.cues.export.voices",
    "export_whole_cue": "diarspk.cues.export.whole_cue",
    "read_references": "diarspk.cues.export.references",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
