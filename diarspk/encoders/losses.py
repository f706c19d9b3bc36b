"""Training objectives of speaker encoders.

Every objective maps embeddings ``(batch, dimension)`` and labels ``(batch,)`` to their mean loss.
The attribute ``margin`` of those that have one may change between steps, as by a
:class:`MarginSchedule`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from diarspk.arguments import check_choice, check_numbers
from diarspk.errors import ArgumentError

__all__ = [
    "AngularMarginSoftmax",
    "GeneralizedEndToEnd",
    "MarginSchedule",
    "Softmax",
    "SubcentreAngularMarginSoftmax",
]


class AngularMarginSoftmax(nn.Module):
    """Additive angular margin softmax (Deng et al. 2019, equation 3), for nested embeddings too.

    The logit of the true class is ``scale * cos(theta + margin)``. With ``prefixes``, the leading
    part of each embedding is classified by the leading part of each class vector too (Kusupati et
    al. 2022, Matryoshka representation learning with tied weights).

    Parameters
    ----------
    dimension, classes
        Dimension of the embeddings, and number of training speakers.
    margin
        Angular margin in radians.
    scale
        Inverse temperature of the softmax.
    prefixes
        Dimensions of the nested embeddings.
    prefix_weight
        Weight of the loss of each prefix; that of the whole embedding is one.
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
        shifted = add_margin(cosine.gather(1, labels[:, None]), self.margin)
        logits = self.scale * cosine.scatter(1, labels[:, None], shifted)
        return nn.functional.cross_entropy(logits, labels)


class SubcentreAngularMarginSoftmax(nn.Module):
    """Sub-centre angular margin softmax with an inter-top-k penalty. Defaults: ESPnet's.

    The cosine of a speaker is the maximum over its centres (Deng et al. 2020, "Sub-center ArcFace",
    section 3.2), so mislabelled or noisy utterances may gather at a centre of their own. The angle
    to each of the ``top`` nearest other speakers is reduced by ``penalty`` (Zhao et al. 2021, "The
    SpeakIn system for VoxCeleb speaker recognition challenge 2021", inter-top-k).

    Parameters
    ----------
    dimension, classes
        Dimension of the embeddings, and number of training speakers.
    centres
        Number of centres per speaker.
    margin, penalty
        Angles in radians; both may change between steps.
    top
        Number of other speakers that are penalised.
    scale
        Inverse temperature of the softmax.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        centres: int = 3,
        margin: float = 0.3,
        penalty: float = 0.06,
        top: int = 5,
        scale: float = 30.0,
    ) -> None:
        super().__init__()
        if not 0 <= top < classes:
            raise ArgumentError(f"`top` must be from 0 to classes - 1 = {classes - 1}, got {top}")
        self.margin, self.penalty, self.top, self.scale = margin, penalty, top, scale
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(classes, centres, dimension)))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of ``embeddings`` ``(batch, dimension)`` with ``labels`` ``(batch,)``."""
        unit = nn.functional.normalize
        cosine = torch.einsum("bd,ckd->bck", unit(embeddings, dim=-1), unit(self.weight, dim=-1))
        cosine = cosine.amax(dim=-1)  # (batch, classes)
        own = labels[:, None]
        logits = cosine.scatter(1, own, add_margin(cosine.gather(1, own), self.margin))
        if self.top:
            others = cosine.detach().scatter(1, own, -2.0)
            nearest = others.topk(self.top, dim=1).indices
            nearer = subtract_angle(cosine.gather(1, nearest), self.penalty)
            logits = logits.scatter(1, nearest, nearer)
        return nn.functional.cross_entropy(self.scale * logits, labels)


class Softmax(nn.Module):
    """Cross-entropy of an affine classifier."""

    def __init__(self, dimension: int, classes: int) -> None:
        super().__init__()
        self.affine = nn.Linear(dimension, classes)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of ``embeddings`` ``(batch, dimension)`` with ``labels`` ``(batch,)``."""
        return nn.functional.cross_entropy(self.affine(embeddings), labels)


class GeneralizedEndToEnd(nn.Module):
    """Generalized end-to-end loss in its softmax form (Wan et al. 2018, equations 5, 6 and 9).

    Each embedding is classified among the speakers of its batch by cosine similarity to their
    centroids; that of its own speaker excludes it. Scale and offset of the similarity are trained.
    """

    def __init__(self, *, scale: float = 10.0, offset: float = -5.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of ``embeddings`` ``(batch, dimension)`` with ``labels`` ``(batch,)``.

        Raises
        ------
        ArgumentError
            If a speaker occurs only once.
        """
        _, own, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        if int(counts.min()) < 2:
            raise ArgumentError("`labels` must have every speaker at least twice, got one once")
        unit = nn.functional.normalize
        embeddings = unit(embeddings, dim=-1)
        members = nn.functional.one_hot(own).to(embeddings)  # (batch, speakers)
        sums = members.T @ embeddings  # (speakers, dimension)
        cosine = embeddings @ unit(sums, dim=-1).T  # (batch, speakers)
        without = unit(sums[own] - embeddings, dim=-1)
        exclusive = (embeddings * without).sum(-1, keepdim=True)
        cosine = cosine.scatter(1, own[:, None], exclusive)
        # A negative scale would reward dissimilarity.
        logits = self.scale.clamp_min(1e-6) * cosine + self.offset
        return nn.functional.cross_entropy(logits, own)


Shape = Literal["exponential", "linear"]


@dataclass(frozen=True)
class MarginSchedule:
    """Margin over training: ``initial`` until ``start``, then rising, ``final`` from ``end`` on.

    Attributes
    ----------
    start, end : float
        In epochs or steps, the unit of :meth:`margin`. WeSpeaker's recipe: epochs 20 and 40, from
        0 to 0.2.
    initial, final : float
        Radians.
    shape : {"exponential", "linear"}
        "exponential" approaches ``final`` fast at first, to within a thousandth of the difference
        at ``end`` (WeSpeaker's default).
    """

    start: float = 20.0
    end: float = 40.0
    initial: float = 0.0
    final: float = 0.2
    shape: Shape = "exponential"

    def __post_init__(self) -> None:
        check_numbers(self, "start", "end", "initial", "final")
        check_choice(self, "shape", Shape)
        if self.end < self.start:
            raise ArgumentError(f"`end` must be at least start={self.start}, got {self.end}")

    def margin(self, time: float) -> float:
        """Compute the margin in radians at an epoch or step."""
        if time < self.start:
            return self.initial
        if time >= self.end:
            return self.final
        way = (time - self.start) / (self.end - self.start)
        if self.shape == "exponential":
            way = 1 - 1e-3**way
        return self.initial + (self.final - self.initial) * way


def add_margin(cosine: Tensor, margin: float) -> Tensor:
    """Cosine of the angle plus ``margin``, continued linearly past pi."""
    cosine = cosine.clamp(-1 + 1e-6, 1 - 1e-6)
    sine = (1 - cosine.square()).sqrt()
    shifted = cosine * math.cos(margin) - sine * math.sin(margin)
    # The cosine rises again past pi; a straight line keeps the loss monotonic.
    straight = cosine - margin * math.sin(margin)
    return torch.where(cosine > -math.cos(margin), shifted, straight)


def subtract_angle(cosine: Tensor, angle: float) -> Tensor:
    """Cosine of the angle less ``angle``, continued linearly past zero."""
    cosine = cosine.clamp(-1 + 1e-6, 1 - 1e-6)
    sine = (1 - cosine.square()).sqrt()
    shifted = cosine * math.cos(angle) + sine * math.sin(angle)
    # The cosine falls again past zero.
    straight = cosine + 1 - math.cos(angle)
    return torch.where(cosine < math.cos(angle), shifted, straight)
