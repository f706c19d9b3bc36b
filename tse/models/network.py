"""What all extraction networks share: framing, level, conditioning and state.

A network works on frames. Offline all frames of a mixture pass at once; a causal network may also
be given them a few at a time, with a :data:`Memory` in which each layer keeps what it still needs.
Both give the same output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.errors import ArgumentError
from tse.conditioning import Conditioning, ConditioningConfig, CueReader, valid_frames
from tse.cues import Cue
from tse.framing import Framing

__all__ = ["LEAD_SAMPLES", "ExtractionNetwork", "Memory", "causal_level", "mean_level"]

Memory = dict[str, Tensor]
"""What the layers of a causal network carry from one call to the next, by name of the layer."""

LEAD_SAMPLES = 1280
"""Silence in front of a mixture, 80 ms, in which a network that is not causal settles."""

LOWEST_LEVEL = 1e-5
"""Root mean square below which a mixture is not brought up to level one any more."""


class ExtractionNetwork(nn.Module, ABC):
    """Mixture and cue to the voice that the cue describes.

    The mixture is brought to level one first, by its mean power or, in a causal network, by that
    of what has been heard so far, and the output back to the mixture's: what comes out scales with
    what goes in.

    Shape
    -----
    mixture ``(batch, time)``, cue of ``batch`` speakers -> ``(batch, time)``
    """

    config: Any

    def __init__(self, framing: Framing, conditioning: ConditioningConfig, *, causal: bool) -> None:
        super().__init__()
        self.framing, self.causal = framing, causal
        self.reader = CueReader(conditioning)

    @abstractmethod
    def process(self, frames: Tensor, conditioning: Conditioning, memory: Memory | None) -> Tensor:
        """Frames ``(batch, frames, window)`` of level one to frames that are to be summed."""

    def condition(self, cue: Cue) -> Conditioning:
        """Read a cue once, for any number of blocks."""
        return self.reader(cue)

    def forward(self, mixture: Tensor, cue: Cue) -> Tensor:
        """Extract.

        Raises
        ------
        ArgumentError
            If mixture and cue are not batches of one size.
        """
        if mixture.dim() != 2 or len(mixture) != cue.batch:
            raise ArgumentError(
                f"`mixture` must be of shape (batch, time) with a cue for each, got "
                f"{tuple(mixture.shape)} and {cue.batch} cues"
            )
        return self.extract(mixture, self.condition(cue))

    def extract(
        self, mixture: Tensor, conditioning: Conditioning, *, lead_samples: int = 0
    ) -> Tensor:
        """Extract from ``(batch, time)`` with a cue that has been read.

        Parameters
        ----------
        lead_samples
            Of silence to hear before the mixture; what comes out begins after it.
        """
        frames = self.framing.split(nn.functional.pad(mixture, (lead_samples, 0)))
        frames = self.extract_frames(frames, conditioning, None)
        return self.framing.join(frames, lead_samples + mixture.shape[1])[:, lead_samples:]

    def enrolment_frames(self, cue: Cue) -> tuple[Tensor, Tensor]:
        """Frames ``(batch, frames, window)`` of an enrolment at level one, and which are valid.

        What lies beyond the valid samples plays no part.
        """
        assert cue.enrolment is not None
        time, hop = cue.enrolment.shape[1], self.framing.hop_samples
        samples = cue.enrolment_samples
        if samples is None:
            samples = torch.full((cue.batch,), time, device=cue.device)
        waveform = cue.enrolment * valid_frames(time, samples, cue.enrolment)
        power = waveform.square().sum(1) / samples.clamp_min(1)
        level = power.sqrt().clamp_min(LOWEST_LEVEL)[:, None]
        frames = self.framing.split(waveform / level)
        return frames, valid_frames(frames.shape[1], -(-samples // hop), frames)

    def extract_frames(
        self, frames: Tensor, conditioning: Conditioning, memory: Memory | None
    ) -> Tensor:
        """:meth:`process` at the level of the mixture."""
        fresh = frames[..., -self.framing.hop_samples :]  # what no earlier frame has held
        power = fresh.square().mean(-1, keepdim=True)  # (batch, frames, 1)
        level = causal_level(power, memory) if self.causal else mean_level(power)
        return self.process(frames / level.clamp_min(LOWEST_LEVEL), conditioning, memory) * level


def mean_level(power: Tensor) -> Tensor:
    """Root of the mean over all frames of a power ``(batch, frames, 1)``: ``(batch, 1, 1)``."""
    return power.mean(1, keepdim=True).sqrt()


def causal_level(power: Tensor, memory: Memory | None) -> Tensor:
    """Root of the mean over the frames up to each one, those before this call included."""
    counts = torch.ones_like(power).cumsum(1)
    sums = power.cumsum(1)
    if memory is not None:
        before = memory.get("level", power.new_zeros(len(power), 2, 1))
        sums, counts = sums + before[:, :1], counts + before[:, 1:]
        memory["level"] = torch.stack([sums[:, -1], counts[:, -1]], dim=1)
    return (sums / counts).sqrt()
