"""Pictures of a diarization: turns, errors, similarity of turns, and a map of the speakers.

Needs the extra ``plot`` (matplotlib). Every function returns a matplotlib figure, which a notebook
shows and :func:`save_figure` writes, with the same bytes for the same input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.plots.errors import plot_errors
    from diarspk.plots.figure import save_figure
    from diarspk.plots.similarity import plot_similarity
    from diarspk.plots.speaker_map import plot_speaker_map
    from diarspk.plots.timeline import plot_timeline
    from diarspk.plots.turn_embeddings import TurnEmbeddings, embed_turns

__all__ = [
    "TurnEmbeddings",
    "embed_turns",
    "plot_errors",
    "plot_similarity",
    "plot_speaker_map",
    "plot_timeline",
    "save_figure",
]

_HOMES = {
    "TurnEmbeddings": "diarspk.plots.turn_embeddings",
    "embed_turns": "diarspk.plots.turn_embeddings",
    "plot_errors": "diarspk.plots.errors",
    "plot_similarity": "diarspk.plots.similarity",
    "plot_speaker_map": "diarspk.plots.speaker_map",
    "plot_timeline": "diarspk.plots.timeline",
    "save_figure": "diarspk.plots.figure",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
