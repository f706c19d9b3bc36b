"""Diarization and Jaccard error rates under the field's conventions, and where errors lie."""

from diarspk.scoring.boundaries import BoundaryErrors
from diarspk.scoring.breakdown import Breakdown, CountErrors, break_down
from diarspk.scoring.components import Components
from diarspk.scoring.conventions import CONVENTIONS, Convention
from diarspk.scoring.rates import score
from diarspk.scoring.scores import Scores
from diarspk.scoring.timeline import draw_timeline

__all__ = [
    "CONVENTIONS",
    "BoundaryErrors",
    "Breakdown",
    "Components",
    "Convention",
    "CountErrors",
    "Scores",
    "break_down",
    "draw_timeline",
    "score",
]
