"""When each speaker of a recording talks, found anew once it is known who the speakers are.

Segmentation hears ten seconds at a time and does not know the voices in them; clustering knows the
voices, but not the frames. This head reads both: the trunk's frames, and for every speaker the
embedding, how alike each frame's voice is to it, and the activity that linking has found. That is
target-speaker voice activity detection (Medennikov et al. 2020, arXiv 2005.07272), in which one
network serves any number of speakers, and which corrects what is already known: before any
training, the head changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.checkpoints.heads import HeadFormat
from diarspk.segmentation.activity import ConformerLayer

__all__ = ["SUREST", "TARGET_HEADS", "TargetActivityConfig", "TargetActivityHead"]

SUREST = 0.01
"""Probabilities are read as if they were this far from 0 and 1 at least."""

CLUES = 5
"""Numbers that are read for every speaker in every frame, see :meth:`TargetActivityHead.clues`."""


@dataclass(frozen=True)
class TargetActivityConfig:
    """Dimensions of a :class:`TargetActivityHead`; they are saved with its weights."""

    width: int = 512  # channels of the trunk's frames that it reads, the first ones
    channels: int = 96
    layers: int = 3
    heads: int = 4
    kernel: int = 15
    dimension: int = 192  # of the speakers' embeddings
    window_s: float = 16.0
    speakers: int = 4  # who take part in a window


class TargetActivityHead(nn.Module):
    """Activity of known speakers in every frame of a window.

    Layers of a conformer read each speaker by itself, with the same weights; between them, every
    speaker hears the mean of all. So the order of the speakers does not matter.

    Shape
    -----
    evidence ``(batch, frames, channels)``, what :meth:`listen` makes of the trunk's frames;
    directions ``(batch, speakers, dimension)``, unit vectors; likeness and prior ``(batch, frames,
    speakers)``, cosines and probabilities -> logits ``(batch, frames, speakers)``. ``present
    (batch, speakers)`` is true for those who take part; the others have their prior's.
    """

    def __init__(self, config: TargetActivityConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TargetActivityConfig()
        channels = config.channels
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, channels)
        self.voice = nn.Linear(config.dimension, 2 * channels)
        self.clue = nn.Linear(CLUES, channels)
        self.layers = nn.ModuleList(
            ConformerLayer(channels, config.heads, config.kernel) for _ in range(config.layers)
        )
        self.hear = nn.ModuleList(nn.Linear(2 * channels, channels) for _ in range(config.layers))
        self.last = nn.LayerNorm(channels)
        self.correct = nn.Linear(channels, 1)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)

    def listen(self, frames: Tensor) -> Tensor:
        """Evidence of the trunk's frames ``(..., width)``: ``(..., channels)``."""
        return self.project(self.norm(frames[..., : self.config.width]))

    def forward(
        self,
        evidence: Tensor,
        directions: Tensor,
        likeness: Tensor,
        prior: Tensor,
        present: Tensor | None = None,
    ) -> Tensor:
        """Logits of the speakers' activity."""
        batch, _, speakers = prior.shape
        if present is None:
            present = prior.new_ones(batch, speakers, dtype=torch.bool)
        share = present / present.sum(1, keepdim=True).clamp_min(1)  # (batch, speakers)
        scale = self.config.dimension**0.5  # a unit vector's entries are of that size
        gain, shift = (scale * self.voice(directions)).unsqueeze(2).chunk(2, dim=-1)
        clues = self.clues(likeness, prior, present).transpose(1, 2)
        x = evidence.unsqueeze(1) * (1 + gain) + shift + self.clue(clues)
        for layer, hear in zip(self.layers, self.hear, strict=True):
            x = layer(x.flatten(0, 1), None).unflatten(0, (batch, speakers))
            mean = torch.einsum("bsfc,bs->bfc", x, share.to(x.dtype)).unsqueeze(1)
            x = x + hear(torch.cat([x, mean.expand_as(x)], dim=-1))
        correction = self.correct(self.last(x)).squeeze(-1).transpose(1, 2)
        logits = torch.logit(prior, SUREST)
        return torch.where(present.unsqueeze(1), logits + correction, logits)

    def clues(self, likeness: Tensor, prior: Tensor, present: Tensor) -> Tensor:
        """Tell what is known of each speaker in each frame: ``(batch, frames, speakers, CLUES)``.

        Its activity, its likeness, the activity of the others and the likeness of the likest of
        them, and the activity of all.
        """
        there = present.unsqueeze(1)
        activity = torch.where(there, prior, 0.0)
        total = activity.sum(-1, keepdim=True).expand_as(prior)
        alike = likeness.masked_fill(~there, -1.0)
        best = alike.topk(min(2, alike.shape[-1]), dim=-1).values
        second = best[..., -1:] if alike.shape[-1] > 1 else -torch.ones_like(best)
        rival = torch.where(alike < best[..., :1], best[..., :1], second)
        parts = [torch.logit(prior, SUREST) / 4, likeness, total - activity, rival, total]
        return torch.stack(parts, dim=-1)


TARGET_HEADS = HeadFormat(
    section="targets",
    kind="target activity head",
    build=lambda **settings: TargetActivityHead(TargetActivityConfig(**settings)),
    recipe="recipes.embedded.target_speaker_vad.train",
)
"""How target activity heads are stored."""
