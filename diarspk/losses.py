"""Training objectives of speaker encoders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["AngularMarginSoftmax"]


class AngularMarginSoftmax(nn.Module):
    """Additive angular margin softmax (Deng et al. 2019, equation 3), for nested embeddings too.

    The logit of the true class is ``scale * cos(theta + margin)``. Where ``prefixes`` are given,
    the leading part of each embedding is classified by the leading part of each class vector
    (Kusupati et al. 2022, Matryoshka learning with tied weights), so that it is an embedding too.

    Parameters
    ----------
    dimension, classes
        Size of the embeddings, and number of training speakers.
    margin
        Radians. May be changed between steps: a schedule starts it at zero.
    scale
        Inverse temperature.
    prefixes
        Lengths of the nested embeddings.
    prefix_weight
        Weight of each prefix's loss beside the whole embedding's weight of one.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        margin: float = 0.2,
        scale: float = 30.0,
        prefixes: Sequence[int] = (),
        prefix_weight: float = 0.2,
    ) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.prefixes, self.prefix_weight = tuple(prefixes), prefix_weight
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(classes, dimension)))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of ``embeddings`` ``(batch, dimension)`` with ``labels`` ``(batch,)``."""
        loss = self.classify(embeddings, self.weight, labels)
        for size in self.prefixes:
            nested = self.classify(embeddings[:, :size], self.weight[:, :size], labels)
            loss = loss + self.prefix_weight * nested
        return loss

    def classify(self, embeddings: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of one length of embedding with its class vectors ``(classes, length)``."""
        unit = nn.functional.normalize
        cosine = unit(embeddings, dim=-1) @ unit(weight, dim=-1).T  # (batch, classes)
        target = cosine.gather(1, labels[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        sine = (1 - target.square()).sqrt()
        shifted = target * math.cos(self.margin) - sine * math.sin(self.margin)
        # Past pi - margin the cosine would rise again: continue it with a straight line.
        straight = target - self.margin * math.sin(self.margin)
        shifted = torch.where(target > -math.cos(self.margin), shifted, straight)
        logits = self.scale * cosine.scatter(1, labels[:, None], shifted)
        return nn.functional.cross_entropy(logits, labels)
