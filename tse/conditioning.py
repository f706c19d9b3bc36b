"""The learned reading of a cue: from whatever levels it has to one width, for all fusions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.cues import Cue

__all__ = ["Conditioning", "ConditioningConfig", "CueReader"]


@dataclass(frozen=True)
class ConditioningConfig:
    """What a network is told of the speaker.

    Attributes
    ----------
    vector_size, sequence_size : int
        Of the cue; 0 where it has no such level.
    width : int
        Channels of the conditioning.
    """

    vector_size: int = 192
    sequence_size: int = 0
    width: int = 128


@dataclass(frozen=True, eq=False)
class Conditioning:
    """A cue as fusions read it.

    Attributes
    ----------
    vector : Tensor, ``(batch, width)``
    sequence : Tensor, ``(batch, frames, width)``
        A sequence of one frame, the vector, where the cue has no sequence.
    mask : Tensor of bool, ``(batch, frames)``
        True on valid frames.
    cue : Cue
        What was read, for networks that use the enrolment itself.
    """

    vector: Tensor
    sequence: Tensor
    mask: Tensor
    cue: Cue

    def extend(self, sequence: Tensor, mask: Tensor) -> Conditioning:
        """Add frames ``(batch, frames, width)`` to the sequence, and their mask to its mask."""
        return replace(
            self,
            sequence=torch.cat([self.sequence, sequence], dim=1),
            mask=torch.cat([self.mask, mask], dim=1),
        )


class CueReader(nn.Module):
    """Projects vector and sequence to ``width`` channels.

    Both are first brought to mean zero and variance one over their components. Unit vectors of 192
    values are otherwise so small that biases hide them, and training begins without a cue.

    Each fusion finds both: a cue without a vector gives the mean of its projected sequence, a cue
    without a sequence a sequence of one frame. A cue with neither (a bare enrolment), or one that
    lacks a level that the network was trained with, gives zeros there.
    """

    def __init__(self, config: ConditioningConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.vector = _perceptron(config.vector_size, width) if config.vector_size else None
        self.sequence = _perceptron(config.sequence_size, width) if config.sequence_size else None

    def forward(self, cue: Cue) -> Conditioning:
        """Read a cue.

        Raises
        ------
        ArgumentError
            If a level has another size than the network's.
        """
        _check_size("vector", cue.vector, self.config.vector_size)
        _check_size("sequence", cue.sequence, self.config.sequence_size)
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
    """Mask ``(batch, count)`` that is true on the first ``lengths`` ``(batch,)`` frames."""
    positions = torch.arange(count, device=like.device)
    if lengths is None:
        return torch.ones(len(like), count, dtype=torch.bool, device=like.device)
    return positions < lengths.to(like.device)[:, None]


def standardized(x: Tensor) -> Tensor:
    """Bring ``(..., components)`` to mean zero and variance one."""
    return nn.functional.layer_norm(x, x.shape[-1:])


def _perceptron(size: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.PReLU(), nn.Linear(width, width))


def _check_size(level: str, found: Tensor | None, size: int) -> None:
    if found is not None and size and found.shape[-1] != size:
        raise ArgumentError(
            f"the {level} of a cue must have {size} values here, got {found.shape[-1]}; "
            "use the cue source that the extractor was trained with"
        )
