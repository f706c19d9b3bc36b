"""Fusions: how a network's features take in a cue.

One signature: features ``(batch, ..., channels)`` and a :class:`~tse.conditioning.Conditioning`
give features of the same shape. With ``e`` the cue's vector:

==================  ==========================================================
concatenate         ``W [x; e]``
add                 ``x + W e``
multiply            ``x * W e`` (Žmolíková et al. 2019, SpeakerBeam)
film                ``(1 + gamma(e)) x + beta(e)`` (Perez et al. 2018, FiLM)
cross-attention     ``x + attention(x, sequence)`` (Zeng & Li 2024, 2409.02615)
==================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.conditioning import Conditioning

__all__ = [
    "FUSIONS",
    "Add",
    "Concatenate",
    "CrossAttention",
    "Film",
    "Multiply",
    "attend",
    "make_fusion",
]


class Concatenate(nn.Module):
    """``W [x; e]``, beginning as the identity plus a small share of ``e``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.features = nn.Linear(channels, channels)
        self.cue = nn.Linear(width, channels, bias=False)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse; ``W [x; e]`` is the sum of two products, so ``e`` is not repeated over time."""
        return self.features(x) + _broadcast(self.cue(conditioning.vector), x)


class Add(nn.Module):
    """``x + W e``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse."""
        return x + _broadcast(self.cue(conditioning.vector), x)


class Multiply(nn.Module):
    """``x * W e``, with a bias of one so that training begins near the identity."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, channels)
        nn.init.ones_(self.cue.bias)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse."""
        return x * _broadcast(self.cue(conditioning.vector), x)


class Film(nn.Module):
    """``(1 + gamma(e)) x + beta(e)``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, 2 * channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse."""
        scale, shift = self.cue(conditioning.vector).chunk(2, dim=-1)
        return (1 + _broadcast(scale, x)) * x + _broadcast(shift, x)


class CrossAttention(nn.Module):
    """Features ask, the cue's sequence answers; with a vector alone, all get the same answer."""

    def __init__(self, channels: int, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(width, 2 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse."""
        query, asked = self.query(x.flatten(1, -2)), self.key_value(conditioning.sequence)
        answer = attend(query, asked, conditioning.mask, self.heads)
        return x + self.output(answer).view_as(x)


FUSIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "concatenate": Concatenate,
    "add": Add,
    "multiply": Multiply,
    "film": Film,
    "cross-attention": CrossAttention,
}
"""Fusions by name; each takes the channels of the features and the width of the conditioning."""


def make_fusion(name: str, channels: int, width: int) -> nn.Module:
    """Make a fusion by name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    if name not in FUSIONS:
        raise ArgumentError(f"`name` must be one of {', '.join(FUSIONS)}, got {name!r}")
    return FUSIONS[name](channels, width)


def attend(query: Tensor, key_value: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Multi-head attention.

    Parameters
    ----------
    query : Tensor, ``(batch, positions, channels)``
    key_value : Tensor, ``(batch, others, 2 * channels)``
        Keys beside values.
    mask : Tensor of bool, ``(batch, others)``
        False on those that play no part.

    Returns
    -------
    Tensor, ``(batch, positions, channels)``
    """
    query, key, value = (
        x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)
        for x in (query, *key_value.chunk(2, dim=-1))
    )
    mask = mask[:, None, None]
    answer = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return answer.transpose(1, 2).flatten(2)


def _broadcast(vector: Tensor, x: Tensor) -> Tensor:
    """``(batch, channels)`` to the axes of ``x`` ``(batch, ..., channels)``."""
    return vector.view(len(vector), *[1] * (x.dim() - 2), -1)
