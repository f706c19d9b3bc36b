"""Files that say who speaks when: RTTM and UEM in; RTTM, JSON, CSV, subtitles and labels out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.formats.finding import Finding
    from diarspk.formats.lint import lint_rttm, lint_uem
    from diarspk.formats.rttm import read_rttm, write_rttm
    from diarspk.formats.saving import save_annotation
    from diarspk.formats.uem import read_uem

__all__ = [
    "Finding",
    "lint_rttm",
    "lint_uem",
    "read_rttm",
    "read_uem",
    "save_annotation",
    "write_rttm",
]

_HOMES = {
    "Finding": "diarspk.formats.finding",
    "lint_rttm": "diarspk.formats.lint",
    "lint_uem": "diarspk.formats.lint",
    "read_rttm": "diarspk.formats.rttm",
    "read_uem": "diarspk.formats.uem",
    "save_annotation": "diarspk.formats.saving",
    "write_rttm": "diarspk.formats.rttm",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
