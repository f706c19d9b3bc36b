"""One encoder over the cache of vectors; it is loaded only where the cache lacks something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, load_audio
from eval.correlation.array_cache import ArrayCache, digest
from eval.correlation.diarizing import Session
from eval.correlation.loading import Places, describe_embedder, load_declared, preset_parts
from eval.correlation.specification import EncoderSpecification
from eval.correlation.vectors import transform
from eval.embeddings.speech import Utterance
from eval.intra_session.runs import UNITS_PER_SECOND
from eval.intra_session.trials import Crop
from eval.systems.registry import Embed

__all__ = ["CachedEncoder"]

BATCH = 128
Vectors = NDArray[np.float32]


class CachedEncoder:
    """An encoder of the study, whose vectors are kept.

    Parameters
    ----------
    specification : EncoderSpecification
    places : Places
        Of encoders that are made for the study.
    cache : ArrayCache
    """

    def __init__(
        self, specification: EncoderSpecification, places: Places, cache: ArrayCache
    ) -> None:
        self.specification, self.places, self.cache = specification, places, cache
        self._parts: list[CachedEncoder] = []
        self._share = 1.0
        if specification.kind == "preset":  # the encoders that it fuses have vectors of their own
            parts, self._share = preset_parts(specification)
            self._parts = [CachedEncoder(part, places, cache) for part in parts]

    @cached_property
    def key(self) -> str:
        """All that decides on the vectors before they are transformed."""
        own = describe_embedder(self.specification, self.places)
        return " ".join([own, *(f"{self._share} {part.key}" for part in self._parts)])

    @property
    def full_key(self) -> str:
        """All that decides on the vectors."""
        options = asdict(self.specification)
        changes = {name: options[name] for name in ("seed", "prefix", "projection", "jitter")}
        return f"{self.key} {changes}"

    def embed_utterances(self, utterances: Sequence[Utterance]) -> Vectors:
        """Vectors of whole utterances, ``(utterances, dim)``."""
        names = digest([one.name for one in utterances])
        waveforms = [one.waveform for one in utterances]
        return self._vectors(f"utterances {names}", lambda one: one.in_batches(waveforms))

    def embed_session(self, session: Session, crops: Sequence[Crop]) -> tuple[Vectors, Vectors]:
        """Vectors of the windows of a session, and of crops of it, each embedded alone."""
        name = session.conversation.name
        return (
            self._vectors(
                f"windows {name} {digest(session.windows)}",
                lambda one: one.in_batches(session.waveforms()),
            ),
            self._vectors(
                f"crops {name} {digest(crops)}",
                lambda one: one.in_batches(cut_crops(session, crops)),
            )
            if crops
            else np.zeros((0, 0), np.float32),
        )

    def in_batches(self, waveforms: Sequence[NDArray[np.float32]]) -> Vectors:
        """Embed waveforms, some at a time."""
        parts = [
            self._embed(waveforms[first : first + BATCH])
            for first in range(0, len(waveforms), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)

    def _vectors(self, what: str, make: Callable[[CachedEncoder], Vectors]) -> Vectors:
        if self._parts:
            first, second = (part._vectors(what, make) for part in self._parts)
            weights = np.sqrt(np.array([self._share, 1 - self._share], np.float32))
            vectors = np.concatenate([weights[0] * first, weights[1] * second], axis=1)
        else:
            key = f"{self.key} {what}"
            vectors = self.cache.get(key, lambda: {"vectors": make(self)})["vectors"]
        return transform(vectors, self.specification)

    @cached_property
    def _embed(self) -> Embed:
        return load_declared(self.specification, self.places)


def cut_crops(session: Session, crops: Sequence[Crop]) -> list[NDArray[np.float32]]:
    """Cut out the audio of crops of a session."""
    waveform = load_audio(session.conversation.audio)
    unit = SAMPLE_RATE // UNITS_PER_SECOND
    return [waveform[crop.start * unit : crop.end * unit] for crop in crops]
