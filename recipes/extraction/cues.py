"""The cue of a training batch: from what is packed, or computed from its enrolments."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from recipes.extraction.cue_vectors import CueVectors
from tse.cue_sources import CueSource
from tse.cues import Cue, Reference, collate_cues

PACKED = ("utterance", "utterance+map", "enrolment")
"""Cues of which everything is packed; a batch without one of their levels trains without it."""


@dataclass(frozen=True)
class BatchCues:
    """Cue of every item of a batch, by a name of :data:`tse.cue_sources.CUES`."""

    name: str
    source: CueSource
    speakers: list[str] = field(default_factory=list)
    vectors: CueVectors | None = None
    """What makes the vectors, where something of the encoders learns; the training owns it."""

    def __call__(self, batch: dict[str, Tensor]) -> Cue:
        """Make the cue."""
        vector = None
        if self.name != "enrolment":
            vector = batch.get("vector") if self.vectors is None else self.vectors(batch)
        enrolment = batch.get("enrolment") if self.name != "utterance" else None
        if self.name in PACKED and (vector is not None or enrolment is not None):
            samples = None if enrolment is None else batch["enrolment_samples"]
            return Cue(vector, enrolment=enrolment, enrolment_samples=samples)
        rows = zip(
            batch["enrolment"], batch["enrolment_samples"].tolist(), batch["speaker"], strict=True
        )
        return collate_cues(
            [
                self.source([Reference(audio[:samples].numpy(), self.speakers[int(speaker)])])
                for audio, samples, speaker in rows
            ]
        )
