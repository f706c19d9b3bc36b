"""Measure every encoder: conventional and intra-session verification, and diarization."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ScoringWarning
from diarspk.metrics import Components
from diarspk.verification.metrics import equal_error_rate
from eval.correlation.diarizing import CLUSTERINGS, Session, diarize_windows, prepare_session
from eval.correlation.embedding_cache import VectorCache
from eval.correlation.encoders import (
    EncoderSpecification,
    describe_embedder,
    load_declared,
    transform,
)
from eval.diarization.conversation import Conversation
from eval.embeddings.speech import Utterance
from eval.intra_session.embedding import embed_crops, list_crops
from eval.intra_session.lists import LIST_NAMES
from eval.intra_session.scoring import score_cosines
from eval.intra_session.trials import Crop, Trial, TrialRules, build_lists
from eval.systems.registry import Embed
from eval.verification.all_pairs import score_all_pairs

__all__ = ["CONVENTIONAL", "DER_MEASURES", "EER_MEASURES", "Measured", "Study"]

CONVENTIONAL = "eer conventional"
EER_MEASURES = (CONVENTIONAL, *(f"eer {name}" for name in LIST_NAMES))
ACTIVITIES = ("oracle", "system")
DER_MEASURES = tuple(
    f"der {activity} {clustering}" for activity, clustering in product(ACTIVITIES, CLUSTERINGS)
)
BATCH = 128


@dataclass(frozen=True)
class Measured:
    """One encoder: every measure by name, as a share; NaN where a list has one kind of trials."""

    encoder: str
    degraded: bool
    measures: dict[str, float]


@dataclass(frozen=True, eq=False)
class Study:
    """Data that every encoder is measured on.

    Attributes
    ----------
    conversations : sequence of Conversation
    utterances : sequence of Utterance
        Single-speaker speech for the conventional error rate: all pairs.
    folder : Path
        Of vectors and results stored between runs.
    activity : str
        Diarizer whose speech is the system's.
    seed : int
        Of the trials.
    """

    conversations: Sequence[Conversation]
    utterances: Sequence[Utterance]
    folder: Path
    activity: str = "diarspk"
    seed: int = 0

    def run(self, encoders: Sequence[EncoderSpecification]) -> Iterator[Measured]:
        """Measure encoders one after the other."""
        cache = VectorCache(self.folder / "vectors")
        for encoder in encoders:
            yield Measured(encoder.name, encoder.degraded, self._measure(encoder, cache))

    @cached_property
    def trials(self) -> dict[str, list[Trial]]:
        """The five lists of the conversations."""
        references = {one.name: one.reference for one in self.conversations}
        uems = {one.name: one.uem for one in self.conversations}
        return build_lists(references, uems, TrialRules(seed=self.seed))

    @cached_property
    def sessions(self) -> dict[str, list[Session]]:
        """Windows of speech, by whose speech it is."""
        folder = self.folder / "activity"
        return {
            name: [prepare_session(one, activity, folder) for one in self.conversations]
            for name, activity in zip(ACTIVITIES, (None, self.activity), strict=True)
        }

    def _measure(self, encoder: EncoderSpecification, cache: VectorCache) -> dict[str, float]:
        cached = _CachedEncoder(encoder, cache)
        measures = {CONVENTIONAL: self._conventional(cached)}
        crops = list_crops(self.trials["combined"])
        folder = self.conversations[0].audio.parent

        def embed_all() -> NDArray[np.float32]:
            found: dict[Crop, NDArray[np.float32]] = {}
            for parent in dict.fromkeys(one.audio.parent for one in self.conversations):
                names = {one.name for one in self.conversations if one.audio.parent == parent}
                mine = [crop for crop in crops if crop.session in names]
                found.update(embed_crops(mine, parent, cached.embed))
            return np.stack([found[crop] for crop in crops])

        vectors = cached.vectors(f"crops {folder.name} {_digest(crops)}", embed_all)
        embeddings = dict(zip(crops, vectors, strict=True))
        for name in LIST_NAMES:
            trials = self.trials[name]
            labels = [trial.target for trial in trials]
            usable = 0 < sum(labels) < len(labels)
            measures[f"eer {name}"] = (
                equal_error_rate(score_cosines(trials, embeddings), labels) if usable else np.nan
            )
        for activity, sessions in self.sessions.items():
            errors = self._diarize(cached, sessions)
            for clustering in CLUSTERINGS:
                measures[f"der {activity} {clustering}"] = errors[clustering].der
        return measures

    def _conventional(self, cached: _CachedEncoder) -> float:
        names = [one.name for one in self.utterances]
        vectors = cached.vectors(
            f"utterances {_digest(names)}",
            lambda: cached.in_batches([one.waveform for one in self.utterances]),
        )
        return equal_error_rate(*score_all_pairs(vectors, [one.speaker for one in self.utterances]))

    def _diarize(
        self, cached: _CachedEncoder, sessions: Sequence[Session]
    ) -> dict[str, Components]:
        errors = dict.fromkeys(CLUSTERINGS, Components())
        for session in sessions:
            vectors = cached.vectors(
                f"windows {session.conversation.name} {_digest(session.windows)}",
                partial(cached.embed_windows, session),
            )
            for clustering in CLUSTERINGS:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ScoringWarning)
                    errors[clustering] += diarize_windows(session, vectors, clustering)[1]
        return errors


class _CachedEncoder:
    """One encoder over the cache; it is loaded only where the cache lacks something."""

    def __init__(self, encoder: EncoderSpecification, cache: VectorCache) -> None:
        self.encoder, self.cache = encoder, cache
        self.key = describe_embedder(encoder)

    @cached_property
    def embed(self) -> Embed:
        return load_declared(self.encoder)

    def vectors(self, what: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        return transform(self.cache.get(f"{self.key} {what}", make), self.encoder)

    def embed_windows(self, session: Session) -> NDArray[np.float32]:
        return self.in_batches(session.waveforms())

    def in_batches(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        parts = [
            self.embed(waveforms[first : first + BATCH])
            for first in range(0, len(waveforms), BATCH)
        ]
        return np.concatenate(parts) if parts else self.embed([])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:16]
