"""How sure the number of people is in an encoder's space, on sessions of training speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diarspk.clustering.count_model import CountModel
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.diarization.diarizer import Diarizer
from eval.counting.session_set import SessionSource, write_sessions
from eval.report.progress import follow
from recipes.plda.counts import collect, fit, plan
from recipes.plda.pieces import PieceSettings, Session

__all__ = ["fit_counts"]

TEMPLATES = ("ami-train",)


def fit_counts(
    data: Path, folder: Path, diarizer: Diarizer, clusterer: CountingClusterer, sessions: int
) -> tuple[CountModel, dict[str, object]]:
    """Fit the model of counts as recipes.plda.counts does for the embedded encoder.

    Parameters
    ----------
    data
        Folder of speech, noise and annotations.
    folder
        Where sessions are, or are made.
    diarizer
        Makes the first passes.
    clusterer
        With the settings that were chosen.
    sessions
        Number of sessions, taken evenly from the plan.

    Returns
    -------
    tuple of CountModel and dict
        The model, and facts for its card.
    """
    planned = plan()
    chosen = np.linspace(0, len(planned) - 1, min(sessions, len(planned))).round().astype(int)
    made = write_sessions(SessionSource(data, "train", TEMPLATES), planned, folder)
    passes = [
        Session(
            diarizer.first_pass(made[number].conversation.audio),
            made[number].conversation.reference,
        )
        for number in follow(chosen.tolist(), "first passes of sessions")
    ]
    pieces = PieceSettings()
    counted = collect(clusterer, passes, pieces)
    model = fit(counted)
    posteriors = [model.posterior(one.signs) for one in counted]
    right = [
        max(found, key=lambda count: found[count]) == one.people
        for found, one in zip(posteriors, counted, strict=True)
    ]
    said = float(np.mean([max(found.values()) for found in posteriors]))
    print(f"likeliest number right: {np.mean(right):.3f}, said: {said:.3f}")
    weights = (tuple(round(one, 4) for one in part) for part in (model.further, model.fewer))
    return CountModel(*weights), {"sessions": len(passes), "pieces": len(counted)}
