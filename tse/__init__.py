"""Target speech extraction: one speaker's voice out of a mixture, given a cue.

::

    import tse

    voice = tse.extract("meeting.wav", enrolment="alice.wav")
    extractor = tse.load_extractor()
    voice = extractor("meeting.wav", extractor.cue("alice.wav"))

Names are imported when they are first used, so that ``import tse`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tse.cues import Cue, Reference
    from tse.extraction import extract
    from tse.extractor import Extractor
    from tse.loading import load_extractor

__all__ = ["Cue", "Extractor", "Reference", "extract", "load_extractor"]

_HOMES = {
    "Cue": "tse.cues",
    "Extractor": "tse.extractor",
    "Reference": "tse.cues",
    "extract": "tse.extraction",
    "load_extractor": "tse.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
