"""Begin the training of a causal extractor with the weights of one that looks ahead.

A causal network of the same sizes lacks what comes after a frame: the last tap of each dilated
splice, the backward half of each LSTM, and the level of the whole mixture. So nothing that it takes
over computes the same, and a mere copy is hardly better than chance. What it keeps is fitted, block
by block, to what the other network computes for the same mixtures:

1. All weights are copied. Taps of a splice stay at their times: the one at the present frame is
   the last one now, the one before it the middle one, and there is no tap for what comes.
   Of the LSTMs the forward half stays.
2. On some batches of mixtures, the four linear maps of every block that stand behind something
   which is missing are fitted by least squares, with what the causal network itself has as inputs:
   the outputs of LSTM and splice to those of the other network, and the last map of both residual
   paths to the difference between the other network's tokens and its own. So what one block loses,
   the next one makes up for as far as the past tells it.

The layer-wise least squares are those of post-training compression (He et al. 2017, "Channel
pruning for accelerating very deep neural networks", section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models import BandSplitNetwork
from tse.models.band_split import SplicedBlock
from tse.models.conditioning import Conditioning
from tse.models.network import LEAD_SAMPLES

__all__ = ["copy_causal", "fit_causal", "looks_ahead"]

RIDGE = 1e-3
"""Of the regressions, in mean variances of their inputs: unsure directions stay as copied."""

Pair = tuple[Tensor, Cue]
"""Mixtures ``(batch, time)`` and their cues."""


def looks_ahead(state: Mapping[str, Tensor]) -> bool:
    """Whether a state is of a network with bidirectional LSTMs over time."""
    return any(name.endswith(".path.recurrent.weight_ih_l0_reverse") for name in state)


def copy_causal(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State for the causal network of the same sizes, from that of one that looks ahead."""
    causal = {name: tensor for name, tensor in state.items() if not name.endswith("_reverse")}
    for name, tensor in causal.items():
        if name.endswith(".path.affine.weight"):
            causal[name] = tensor[:, : tensor.shape[1] // 2].clone()
        elif name.endswith(".convolve.affine.weight"):
            before, now, _ = tensor.chunk(3, dim=1)
            causal[name] = torch.cat([torch.zeros_like(before), before, now], dim=1)
    return causal


@torch.no_grad()
def fit_causal(
    network: BandSplitNetwork, ahead: BandSplitNetwork, batches: Iterable[Pair]
) -> list[float]:
    """Fit a causal network that :func:`copy_causal` has begun to the one that it is from.

    Parameters
    ----------
    network
        Causal, with spliced blocks; changed in place.
    ahead
        The other one.
    batches
        Mixtures with their cues.

    Returns
    -------
    list of float
        Of each block, the share of the variance of the other network's tokens behind it that the
        causal one's explain.

    Raises
    ------
    ArgumentError
        If the networks are not of the same spliced blocks.
    """
    blocks = [block for block in network.blocks if isinstance(block, SplicedBlock)]
    others = [block for block in ahead.blocks if isinstance(block, SplicedBlock)]
    if not network.causal or ahead.causal or len(blocks) != len(others) or not blocks:
        raise ArgumentError(
            "`network` must be causal, and `ahead` not, with as many spliced blocks, got "
            f"{len(blocks)} and {len(others)}"
        )
    passes = [_Pass.begin(network, ahead, mixture, cue) for mixture, cue in batches]
    return [_fit_block(block, other, passes) for block, other in zip(blocks, others, strict=True)]


@dataclass
class _Pass:
    """A batch on its way through both networks, at the same block: ``(batch, frames, ...)``."""

    tokens: Tensor
    conditioning: Conditioning
    wanted: Tensor
    of_wanted: Conditioning

    @classmethod
    def begin(
        cls, network: BandSplitNetwork, ahead: BandSplitNetwork, mixture: Tensor, cue: Cue
    ) -> _Pass:
        """Encode a batch by both networks."""
        tokens, conditioning = _encode(network, mixture, cue, 0)
        # The other network's frames begin earlier, with the silence that it needs.
        wanted, of_wanted = _encode(ahead, mixture, cue, LEAD_SAMPLES)
        return cls(tokens, conditioning, wanted, of_wanted)

    @property
    def lead(self) -> int:
        """Frames of silence before those of the causal network."""
        return self.wanted.shape[1] - self.tokens.shape[1]


def _encode(
    network: BandSplitNetwork, mixture: Tensor, cue: Cue, lead: int
) -> tuple[Tensor, Conditioning]:
    frames = network.framing.split(nn.functional.pad(mixture, (lead, 0)))
    level = network.level(frames, None).clamp_min(1e-5)
    _, tokens, conditioning = network.encode(frames / level, network.condition(cue), None)
    return tokens, conditioning


def _fit_block(block: SplicedBlock, other: SplicedBlock, passes: Sequence[_Pass]) -> float:
    """Fit a block, and take both networks' tokens through it."""
    paths = [other.path(other.join(one.wanted, one.of_wanted)) for one in passes]
    joints = [block.join(one.tokens, one.conditioning) for one in passes]
    states = [block.path.recurrent(block.path.norm(joint))[0] for joint in joints]
    rests = [path[:, one.lead :] - joint for one, path, joint in zip(passes, paths, joints)]
    _regress(block.path.affine, states, rests)

    for one, path in zip(passes, paths, strict=True):
        one.wanted = one.wanted + other.spread(path)
    hidden = [
        nn.functional.silu(joint + block.path.affine(state))
        for joint, state in zip(joints, states, strict=True)
    ]
    missing = [(one.wanted[:, one.lead :] - one.tokens).flatten(2) for one in passes]
    _regress(block.expand, hidden, missing)
    for one, inner in zip(passes, hidden, strict=True):
        one.tokens = one.tokens + block.expand(inner).view_as(one.tokens)

    outer = [other.convolve(other.band_norm(one.wanted), None) for one in passes]
    spliced = [block.convolve.splice(block.band_norm(one.tokens), None) for one in passes]
    _regress(block.convolve.affine, spliced, [o[:, p.lead :] for o, p in zip(outer, passes)])
    for one, one_outer in zip(passes, outer, strict=True):
        one.wanted = one.wanted + other.project(nn.functional.silu(one_outer))
    hidden = [nn.functional.silu(block.convolve.affine(inputs)) for inputs in spliced]
    missing = [one.wanted[:, one.lead :] - one.tokens for one in passes]
    _regress(block.project, hidden, missing)
    for one, inner in zip(passes, hidden, strict=True):
        one.tokens = one.tokens + block.project(inner)
    return _explained(passes)


def _explained(passes: Sequence[_Pass]) -> float:
    wanted = torch.cat([one.wanted[:, one.lead :].flatten(0, 2) for one in passes])
    found = torch.cat([one.tokens.flatten(0, 2) for one in passes])
    return 1.0 - float((wanted - found).square().sum() / (wanted - wanted.mean(0)).square().sum())


def _regress(layer: nn.Linear, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Fit a linear layer by ridge regression of what it leaves of the outputs."""
    size = layer.in_features
    gram = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    cross = torch.zeros(size + 1, layer.out_features, dtype=torch.float64)
    for x, y in zip(inputs, outputs, strict=True):
        rows = x.reshape(-1, size)
        left = (y - layer(x)).reshape(-1, layer.out_features)
        rows = torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)
        gram += (rows.T @ rows).double()
        cross += (rows.T @ left).double()
    gram += RIDGE * gram.trace() / (size + 1) * torch.eye(size + 1, dtype=torch.float64)
    change = torch.linalg.solve(gram, cross).to(layer.weight)
    layer.weight += change[:-1].T
    layer.bias += change[-1]
