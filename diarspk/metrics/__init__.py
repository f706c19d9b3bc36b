"""Diarization and Jaccard error rates under the field's conventions, and where errors lie."""

from diarspk.metrics.boundaries import BoundaryErrors
from diarspk.metrics.breakdown import Breakdown, CountErrors, break_down
from diarspk.metrics.conventions import CONVENTIONS, Convention
from diarspk.metrics.rates import score
from diarspk.metrics.reference_turns import ReferenceTurns
from diarspk.metrics.scores import Components, Scores
from diarspk.metrics.timeline import draw_timeline

__all__ = [
    "CONVENTIONS",
    "BoundaryErrors",
    "Breakdown",
    "Components",
    "Convention",
    "CountErrors",
    "ReferenceTurns",
    "Scores",
    "break_down",
    "draw_timeline",
    "score",
]
