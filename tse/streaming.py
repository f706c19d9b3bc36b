"""A causal extractor on audio as it arrives."""

from __future__ import annotations

import torch
from torch import Tensor

from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.network import ExtractionNetwork, Memory

__all__ = ["ExtractionStream"]


class ExtractionStream:
    """Takes blocks of any length and gives what is ready; together, the offline output.

    A sample is ready when all frames that cover it are: ``latency_samples`` later at most.

    Parameters
    ----------
    network : ExtractionNetwork
        A causal one, in evaluation mode.
    cue : Cue
        Of one speaker.

    Raises
    ------
    ArgumentError
        If the network is not causal, or the cue is of several speakers.
    """

    def __init__(self, network: ExtractionNetwork, cue: Cue) -> None:
        if not network.causal:
            raise ArgumentError("`network` must be causal to extract from a stream; load another")
        if cue.batch != 1:
            raise ArgumentError(f"`cue` must be of one speaker, got {cue.batch}")
        self.network, self.framing = network, network.framing
        lead = self.framing.window_samples - self.framing.hop_samples
        self.memory: Memory = {}
        self.waiting = torch.zeros(1, lead)  # what the next frame begins with
        self.sums = torch.zeros(1, lead)  # output that later frames will add to
        self.lead, self.received, self.given = lead, 0, 0
        with torch.inference_mode():
            self.conditioning = network.condition(cue)

    @property
    def latency_samples(self) -> int:
        """How far the output lies behind the input."""
        return self.framing.window_samples

    def push(self, block: Tensor) -> Tensor:
        """Take ``(time,)`` at 16 kHz and give the samples ``(ready,)`` that it completes."""
        self.received += len(block)
        ready = self._advance(block)
        self.given += len(ready)
        return ready

    def flush(self) -> Tensor:
        """End: give the rest, so that as many samples came out as went in."""
        frames = -(-self.received // self.framing.hop_samples) + self.framing.overlap - 1
        tail = frames * self.framing.hop_samples - self.received
        rest = self._advance(torch.zeros(max(tail, 0)))[: self.received - self.given]
        self.given += len(rest)
        return rest

    @torch.inference_mode()
    def _advance(self, block: Tensor) -> Tensor:
        window, hop = self.framing.window_samples, self.framing.hop_samples
        self.waiting = torch.cat([self.waiting, block[None]], dim=1)
        count = (self.waiting.shape[1] - window) // hop + 1
        if count < 1:
            return torch.zeros(0)
        frames = self.waiting.unfold(1, window, hop)
        self.waiting = self.waiting[:, count * hop :]
        frames = self.network.extract_frames(frames, self.conditioning, self.memory)
        total = torch.zeros(1, (count - 1) * hop + window)
        for index in range(count):
            total[:, index * hop : index * hop + window] += frames[:, index]
        total[:, : self.sums.shape[1]] += self.sums
        done, self.sums = total[0, : count * hop], total[:, count * hop :]
        skipped = min(self.lead, len(done))  # what lies before the first sample
        self.lead -= skipped
        return done[skipped:]
