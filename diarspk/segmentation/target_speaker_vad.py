"""Target-speaker voice activity detection (TS-VAD): when each known speaker talks.

Segmentation reads ten seconds at a time and does not know who the speakers are; clustering knows
the speakers, but not the frames. This head reads both: the trunk's frames, and for every speaker
the centroid of its embeddings, the similarity of each frame's embedding to it, and the activity
that linking has found. After Medennikov et al. 2020 (arXiv 2005.07272), with one network for any
number of speakers that corrects a prior: an untrained head changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.checkpoints.heads import HeadFormat
from diarspk.segmentation.segmentation_head import ConformerLayer

__all__ = [
    "MIN_PROBABILITY",
    "TARGET_SPEAKER_VAD_HEADS",
    "TargetSpeakerVadConfig",
    "TargetSpeakerVadHead",
]

MIN_PROBABILITY = 0.01
"""Probabilities are clipped to this distance from 0 and 1 before their logit is taken."""

SPEAKER_FEATURES = 5
"""Features of every speaker in every frame, see :meth:`TargetSpeakerVadHead.speaker_features`."""

STORED_NAMES = {"condition": "voice", "embed_features": "clue", "exchange": "hear"}
"""Names of layers in weight files, which keep the names that they were first written with."""


@dataclass(frozen=True)
class TargetSpeakerVadConfig:
    """Dimensions of a :class:`TargetSpeakerVadHead`; they are saved with its weights."""

    width: int = 512  # channels of the trunk's frames that it reads, the first ones
    channels: int = 96
    layers: int = 3
    heads: int = 4
    kernel: int = 15
    dimension: int = 192  # of the speakers' centroids
    window_s: float = 16.0
    speakers: int = 4  # maximum in a window


class TargetSpeakerVadHead(nn.Module):
    """Activity of known speakers in every frame of a window.

    Conformer layers read each speaker by itself, with the same weights; between them, every speaker
    receives the mean of all. So the order of the speakers does not matter.

    Shape
    -----
    TS-VAD features ``(batch, frames, channels)`` of the trunk's frames (see :meth:`features`);
    centroids ``(batch, speakers, dimension)``, unit norm; similarity and prior ``(batch, frames,
    speakers)``, cosines and probabilities -> logits ``(batch, frames, speakers)``. ``present
    (batch, speakers)`` is true for those who take part; the others keep the logit of their prior.
    """

    def __init__(self, config: TargetSpeakerVadConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TargetSpeakerVadConfig()
        channels = config.channels
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, channels)
        self.condition = nn.Linear(config.dimension, 2 * channels)
        self.embed_features = nn.Linear(SPEAKER_FEATURES, channels)
        self.layers = nn.ModuleList(
            ConformerLayer(channels, config.heads, config.kernel) for _ in range(config.layers)
        )
        self.exchange = nn.ModuleList(
            nn.Linear(2 * channels, channels) for _ in range(config.layers)
        )
        self.last = nn.LayerNorm(channels)
        self.correct = nn.Linear(channels, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)
        self.register_state_dict_post_hook(_to_stored_names)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_from_stored_names)  # type: ignore[no-untyped-call]

    def features(self, frames: Tensor) -> Tensor:
        """Compute TS-VAD features of trunk frames: ``(..., width)`` -> ``(..., channels)``."""
        return self.project(self.norm(frames[..., : self.config.width]))

    def forward(
        self,
        features: Tensor,
        centroids: Tensor,
        similarity: Tensor,
        prior: Tensor,
        present: Tensor | None = None,
    ) -> Tensor:
        """Logits of the speakers' activity."""
        batch, _, speakers = prior.shape
        if present is None:
            present = prior.new_ones(batch, speakers, dtype=torch.bool)
        share = present / present.sum(1, keepdim=True).clamp_min(1)  # (batch, speakers)
        scale = self.config.dimension**0.5  # entries of a unit vector are of size 1 / scale
        gain, shift = (scale * self.condition(centroids)).unsqueeze(2).chunk(2, dim=-1)
        known = self.speaker_features(similarity, prior, present).transpose(1, 2)
        x = features.unsqueeze(1) * (1 + gain) + shift + self.embed_features(known)
        for layer, exchange in zip(self.layers, self.exchange, strict=True):
            x = layer(x.flatten(0, 1), None).unflatten(0, (batch, speakers))
            mean = torch.einsum("bsfc,bs->bfc", x, share.to(x.dtype)).unsqueeze(1)
            x = x + exchange(torch.cat([x, mean.expand_as(x)], dim=-1))
        correction = self.correct(self.last(x)).squeeze(-1).transpose(1, 2)
        logits = torch.logit(prior, MIN_PROBABILITY)
        return torch.where(present.unsqueeze(1), logits + correction, logits)

    def speaker_features(self, similarity: Tensor, prior: Tensor, present: Tensor) -> Tensor:
        """Stack the features of each speaker: ``(batch, frames, speakers, SPEAKER_FEATURES)``.

        Its activity as a logit, its similarity, the activity of the others, the maximum similarity
        among the others, and the activity of all.
        """
        there = present.unsqueeze(1)
        activity = torch.where(there, prior, 0.0)
        total = activity.sum(-1, keepdim=True).expand_as(prior)
        cosines = similarity.masked_fill(~there, -1.0)
        best = cosines.topk(min(2, cosines.shape[-1]), dim=-1).values
        second = best[..., -1:] if cosines.shape[-1] > 1 else -torch.ones_like(best)
        rival = torch.where(cosines < best[..., :1], best[..., :1], second)
        prior_logit = torch.logit(prior, MIN_PROBABILITY) / 4  # of the size of the others
        parts = [prior_logit, similarity, total - activity, rival, total]
        return torch.stack(parts, dim=-1)


def _to_stored_names(
    module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    _rename_layers(state, prefix, STORED_NAMES)


def _from_stored_names(
    module: nn.Module, state: dict[str, Any], prefix: str, *arguments: object
) -> None:
    _rename_layers(state, prefix, {stored: name for name, stored in STORED_NAMES.items()})


def _rename_layers(state: dict[str, Any], prefix: str, names: dict[str, str]) -> None:
    """Rename layers of a state in place, as torch's hooks want it; the order is kept."""
    renamed = {}
    for key in list(state):
        layer, dot, rest = key.removeprefix(prefix).partition(".")
        is_own = key.startswith(prefix) and layer in names
        renamed[f"{prefix}{names[layer]}{dot}{rest}" if is_own else key] = state.pop(key)
    state.update(renamed)


TARGET_SPEAKER_VAD_HEADS = HeadFormat(
    section="targets",
    kind="TS-VAD head",
    build=lambda **settings: TargetSpeakerVadHead(TargetSpeakerVadConfig(**settings)),
    recipe="recipes.embedded.target_speaker_vad.train",
)
"""Files of TS-VAD heads."""
