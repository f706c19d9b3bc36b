"""Diarization and Jaccard error rates, on pyannote.metrics, with the convention spelled out."""

from diarspk.scoring.components import Components
from diarspk.scoring.rates import score
from diarspk.scoring.scores import Scores

__all__ = ["Components", "Scores", "score"]
