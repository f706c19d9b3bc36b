"""Fusions of a cue into the features of a network.

One signature: features ``(batch, ..., channels)`` and a
:class:`~tse.models.conditioning.Conditioning` give features of the same shape. With ``e`` the
vector of the conditioning:

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
from tse.models.conditioning import Conditioning

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
    """Concatenation: ``W [x; e]``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.features = nn.Linear(channels, channels)
        self.cue = nn.Linear(width, channels, bias=False)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse a cue into ``x``."""
        # W [x; e] as a sum of two products, so that e is not repeated over time.
        return self.features(x) + _broadcast(self.cue(conditioning.vector), x)


class Add(nn.Module):
    """Addition: ``x + W e``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse a cue into ``x``."""
        return x + _broadcast(self.cue(conditioning.vector), x)


class Multiply(nn.Module):
    """Multiplication: ``x * W e`` (SpeakerBeam)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, channels)
        nn.init.ones_(self.cue.bias)  # near the identity at the start of training

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse a cue into ``x``."""
        return x * _broadcast(self.cue(conditioning.vector), x)


class Film(nn.Module):
    """Feature-wise linear modulation: ``(1 + gamma(e)) x + beta(e)``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cue = nn.Linear(width, 2 * channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse a cue into ``x``."""
        scale, shift = self.cue(conditioning.vector).chunk(2, dim=-1)
        return (1 + _broadcast(scale, x)) * x + _broadcast(shift, x)


class CrossAttention(nn.Module):
    """Cross-attention: queries from the features, keys and values from the cue's sequence.

    With a vector alone (a sequence of one frame), all positions get the same value.
    """

    def __init__(self, channels: int, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(width, 2 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x: Tensor, conditioning: Conditioning) -> Tensor:
        """Fuse a cue into ``x``."""
        # (batch, ..., channels) -> (batch, positions, channels)
        query, key_value = self.query(x.flatten(1, -2)), self.key_value(conditioning.sequence)
        values = attend(query, key_value, conditioning.mask, self.heads)
        return x + self.output(values).view_as(x)


FUSIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "concatenate": Concatenate,
    "add": Add,
    "multiply": Multiply,
    "film": Film,
    "cross-attention": CrossAttention,
}
"""Fusions by name: callables (channels of the features, width of the conditioning) -> module."""


def make_fusion(name: str, channels: int, width: int) -> nn.Module:
    """Build a fusion by name.

    Raises
    ------
    ArgumentError
        If the name is unknown.
    """
    if name not in FUSIONS:
        raise ArgumentError(f"`name` must be one of {', '.join(FUSIONS)}, got {name!r}")
    return FUSIONS[name](channels, width)


def attend(query: Tensor, key_value: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Compute multi-head scaled dot-product attention.

    Parameters
    ----------
    query : Tensor, ``(batch, positions, channels)``
    key_value : Tensor, ``(batch, others, 2 * channels)``
        Keys and values, concatenated.
    mask : Tensor of bool, ``(batch, others)``
        False on positions to ignore.

    Returns
    -------
    Tensor, ``(batch, positions, channels)``
    """
    query, key, value = (
        x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)
        for x in (query, *key_value.chunk(2, dim=-1))
    )
    mask = mask[:, None, None]
    values = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return values.transpose(1, 2).flatten(2)


def _broadcast(vector: Tensor, x: Tensor) -> Tensor:
    """Reshape ``(batch, channels)`` to the axes of ``x`` ``(batch, ..., channels)``."""
    return vector.view(len(vector), *[1] * (x.dim() - 2), -1)
