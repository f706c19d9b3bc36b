"""Base class of extraction networks: framing, level normalisation, conditioning and state.

A network works on frames. Offline it processes all frames of a mixture at once; a causal network
also takes them a few at a time, with a :data:`Memory` for the state of its layers. Both give the
same output.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.conditioning import Conditioning, ConditioningConfig, CueReader, valid_frames
from tse.models.level import MIN_LEVEL, mean_level, running_level
from tse.models.spectrum import Framing

__all__ = ["LEAD_SAMPLES", "OF_THE_CUE", "ExtractionNetwork", "Memory"]

Memory = dict[str, Tensor]
"""State of the layers of a causal network between calls, by name of the layer."""

OF_THE_CUE = "cue."
"""Beginning of the names in a :data:`Memory` that follow from the cue, and are no state."""

LEAD_SAMPLES = 1280
"""Silence (80 ms) prepended to a mixture, a run-in for non-causal networks."""


class ExtractionNetwork(nn.Module, ABC):
    """Base class: mixture and cue to the voice that the cue describes.

    The mixture is normalised to a level (root mean square) of one, by its mean power or, in a
    causal network, by a running mean (:mod:`tse.models.level`), and the output is scaled back: it
    is equivariant to the level of the mixture.

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
        """Map frames ``(batch, frames, window)`` of level one to frames for overlap-add."""

    def condition(self, cue: Cue) -> Conditioning:
        """Project a cue, once for any number of blocks."""
        return self.reader(cue)

    def forward(self, mixture: Tensor, cue: Cue) -> Tensor:
        """Extract from a batch of mixtures.

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
        """Extract from ``(batch, time)`` with a projected cue.

        Parameters
        ----------
        lead_samples
            Silence to prepend to the mixture; it is cut off the output.
        """
        frames = self.framing.split(nn.functional.pad(mixture, (lead_samples, 0)))
        frames = self.extract_frames(frames, conditioning, None)
        return self.framing.join(frames, lead_samples + mixture.shape[1])[:, lead_samples:]

    def enrolment_frames(self, cue: Cue) -> tuple[Tensor, Tensor]:
        """Split an enrolment at level one into frames ``(batch, frames, window)``, with their mask.

        Padding is ignored: the level is that of the valid samples.
        """
        assert cue.enrolment is not None
        time, hop = cue.enrolment.shape[1], self.framing.hop_samples
        samples = cue.enrolment_samples
        if samples is None:
            samples = torch.full((cue.batch,), time, device=cue.device)
        waveform = cue.enrolment * valid_frames(time, samples, cue.enrolment)
        power = waveform.square().sum(1) / samples.clamp_min(1)
        level = power.sqrt().clamp_min(MIN_LEVEL)[:, None]
        frames = self.framing.split(waveform / level)
        return frames, valid_frames(frames.shape[1], -(-samples // hop), frames)

    def extract_frames(
        self, frames: Tensor, conditioning: Conditioning, memory: Memory | None
    ) -> Tensor:
        """:meth:`process` at the level of the mixture."""
        level = self.level(frames, memory)
        return self.process(frames / level.clamp_min(MIN_LEVEL), conditioning, memory) * level

    def level(self, frames: Tensor, memory: Memory | None) -> Tensor:
        """Level of the mixture at each frame, ``(batch, frames or 1, 1)``."""
        fresh = frames[..., -self.framing.hop_samples :]  # samples that no earlier frame has
        power = fresh.square().mean(-1, keepdim=True)  # (batch, frames, 1)
        frames_per_s = SAMPLE_RATE / self.framing.hop_samples
        return running_level(power, frames_per_s, memory) if self.causal else mean_level(power)
