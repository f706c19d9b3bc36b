"""The cue of a training batch: from what is packed, or computed from its enrolments."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.features.log_mel import LogMel, gated_level
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

    def __call__(self, batch: dict[str, Tensor]) -> Cue:
        """Make the cue."""
        vector = batch.get("vector") if self.name != "enrolment" else None
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


class JointEncoder(nn.Module):
    """The speaker encoder with its gradient, for training it together with the extractor."""

    def __init__(self, encoder: LocalEncoder) -> None:
        super().__init__()
        self.network = encoder.network.requires_grad_(True)
        self.log_mel = LogMel()

    def train(self, mode: bool = True) -> JointEncoder:
        """Keep the statistics of batch norms: enrolments pass one by one."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, enrolment: Tensor, samples: Tensor) -> Tensor:
        """Embed enrolments ``(batch, time)``: unit vectors ``(batch, dim)``."""
        vectors = []
        for row, length in zip(enrolment, samples.tolist(), strict=True):
            features = self.log_mel(row[None, :length])
            vectors.append(self.network(features - gated_level(features)[:, None, None]))
        return nn.functional.normalize(torch.cat(vectors), dim=-1)
