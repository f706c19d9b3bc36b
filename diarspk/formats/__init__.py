"""Files that say who speaks when: RTTM and UEM in; RTTM, JSON, CSV, subtitles and labels out."""

from diarspk.formats.lint import Finding, lint_rttm, lint_uem
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
