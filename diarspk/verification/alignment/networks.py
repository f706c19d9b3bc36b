"""The networks of alignments, and the losses they are trained by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Mlp", "MlpConfig", "contrastive_loss", "squared_error"]


@dataclass(frozen=True)
class MlpConfig:
    """A multilayer perceptron beside a linear map.

    Attributes
    ----------
    hidden : tuple of int
        Width of each hidden layer; without any, the map is linear.
    dropout : float
    """

    hidden: tuple[int, ...] = (512,)
    dropout: float = 0.0


class Mlp(nn.Module):
    """``(batch, source)`` -> unit vectors ``(batch, target)``.

    A linear map and a perceptron are summed: spaces of related encoders differ by little more
    than a rotation, which the linear part has at once, and the perceptron adds what bends.
    """

    def __init__(self, source: int, target: int, config: MlpConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(source, target)
        layers: list[nn.Module] = []
        width = source
        for hidden in config.hidden:
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(config.dropout)]
            width = hidden
        self.bend = nn.Sequential(*layers, nn.Linear(width, target)) if layers else None
        if self.bend is not None:
            last = self.bend[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)  # the start is the linear map alone
            nn.init.zeros_(last.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """See the class."""
        mapped = self.linear(vectors)
        if self.bend is not None:
            mapped = mapped + self.bend(vectors)
        return nn.functional.normalize(mapped, dim=-1)


def squared_error(mapped: Tensor, reference: Tensor) -> Tensor:
    """Mean squared distance of rows ``(batch, dim)``; ``2 - 2 cos`` for unit vectors."""
    return (mapped - reference).square().sum(-1).mean()


def contrastive_loss(
    first: Tensor, second: Tensor, speakers: Tensor, *, temperature: float
) -> Tensor:
    """Pull rows of the same speaker together across two spaces and push others apart.

    Supervised contrastive loss (Khosla et al., 2020, eq. 2) between ``first`` and ``second``, both
    ways. Where all speakers differ it is InfoNCE.

    Parameters
    ----------
    first, second : Tensor ``(batch, dim)``
        Unit vectors.
    speakers : Tensor of int, ``(batch,)``
    temperature : float
        Cosines are divided by it.
    """
    logits = first @ second.T / temperature  # (batch, batch)
    same = (speakers[:, None] == speakers[None, :]).to(logits.dtype)
    share = same / same.sum(1, keepdim=True)  # symmetric counts: also right for the columns
    rows = -(share * torch.log_softmax(logits, dim=1)).sum(1).mean()
    columns = -(share * torch.log_softmax(logits.T, dim=1)).sum(1).mean()
    return (rows + columns) / 2
