"""Conditioning: a learned projection of every level of a cue to one width, for all fusions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.cues import Cue

__all__ = ["Conditioning", "ConditioningConfig", "CueReader"]


@dataclass(frozen=True)
class ConditioningConfig:
    """Dimensions of a :class:`CueReader`; saved with the weights of its network.

    Attributes
    ----------
    vector_size : int
        Dimension of the cue's vector; 0 if the cue has none.
    sequence_size : int
        Features per frame of the cue's sequence; 0 if the cue has none.
    width : int
        Channels of the conditioning.
    """

    vector_size: int = 192
    sequence_size: int = 0
    width: int = 128


@dataclass(frozen=True, eq=False)
class Conditioning:
    """Projected cue, the input of fusions.

    Attributes
    ----------
    vector : Tensor, ``(batch, width)``
        Projected vector; of a cue without one, the mean of the projected sequence.
    sequence : Tensor, ``(batch, frames, width)``
        Projected sequence; of a cue without one, the vector as a sequence of one frame.
    mask : Tensor of bool, ``(batch, frames)``
        True on valid frames.
    cue : Cue
        The cue itself, for networks that use its enrolment.
    """

    vector: Tensor
    sequence: Tensor
    mask: Tensor
    cue: Cue

    def extend(self, sequence: Tensor, mask: Tensor) -> Conditioning:
        """Append frames ``(batch, frames, width)`` and their mask ``(batch, frames)``."""
        return replace(
            self,
            sequence=torch.cat([self.sequence, sequence], dim=1),
            mask=torch.cat([self.mask, mask], dim=1),
        )


class CueReader(nn.Module):
    """Projection of a cue's vector and sequence to ``width`` channels, by a perceptron each.

    A level that is missing is derived from the other one, see :class:`Conditioning`; if both are
    missing (a bare enrolment), the conditioning is zero.

    Shape
    -----
    vector ``(batch, dim)``, sequence ``(batch, frames, features)`` -> ``(batch, width)``,
    ``(batch, frames, width)``
    """

    def __init__(self, config: ConditioningConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.vector = _perceptron(config.vector_size, width) if config.vector_size else None
        self.sequence = _perceptron(config.sequence_size, width) if config.sequence_size else None

    def forward(self, cue: Cue) -> Conditioning:
        """Project a cue.

        Raises
        ------
        ArgumentError
            If a level has another size than the network was built for.
        """
        _check_size("vector", cue.vector, self.config.vector_size)
        _check_size("sequence", cue.sequence, self.config.sequence_size)
        # Standardized over components, since the entries of unit vectors of 192 values are so small
        # that biases would hide them at the start of training.
        sequence = None
        if self.sequence is not None and cue.sequence is not None:
            sequence = self.sequence(standardized(cue.sequence))
            mask = valid_frames(sequence.shape[1], cue.sequence_frames, sequence)
        if self.vector is not None and cue.vector is not None:
            vector = self.vector(standardized(cue.vector))
        elif sequence is not None:
            weight = mask.unsqueeze(-1).to(sequence)
            vector = (sequence * weight).sum(1) / weight.sum(1).clamp_min(1)
        else:
            vector = torch.zeros(cue.batch, self.config.width, device=cue.device)
        if sequence is None:
            sequence = vector[:, None]
            mask = torch.ones(sequence.shape[:2], dtype=torch.bool, device=vector.device)
        return Conditioning(vector, sequence, mask, cue)


def valid_frames(count: int, lengths: Tensor | None, like: Tensor) -> Tensor:
    """Mask ``(batch, count)``, true on the first ``lengths`` ``(batch,)`` positions."""
    positions = torch.arange(count, device=like.device)
    if lengths is None:
        return torch.ones(len(like), count, dtype=torch.bool, device=like.device)
    return positions < lengths.to(like.device)[:, None]


def standardized(x: Tensor) -> Tensor:
    """Standardize ``(..., components)`` to mean zero and variance one."""
    return nn.functional.layer_norm(x, x.shape[-1:])


def _perceptron(size: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.PReLU(), nn.Linear(width, width))


def _check_size(level: str, found: Tensor | None, size: int) -> None:
    if found is not None and size and found.shape[-1] != size:
        raise ArgumentError(
            f"the {level} of a cue must have {size} values here, got {found.shape[-1]}; "
            "use the cue source that the extractor was trained with"
        )
