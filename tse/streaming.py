"""Extraction in bounded memory: cross-faded blocks for any network, a stream for a causal one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.arguments import check_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.devices import device_of
from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.network import ExtractionNetwork, Memory

__all__ = ["BlockConfig", "ExtractionStream", "extract_blocks"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class BlockConfig:
    """Overlapping blocks of a long recording.

    Attributes
    ----------
    block_s : float
        Length of a block in seconds.
    overlap_s : float
        Overlap with the next block in seconds, at most half a block.
    """

    block_s: float = 15.0
    overlap_s: float = 1.0

    def __post_init__(self) -> None:
        check_numbers(self, "block_s", "overlap_s", above=0.0)
        if not 0 < 2 * self.overlap_s <= self.block_s:
            raise ArgumentError(
                f"`overlap_s` must be positive and at most half of block_s={self.block_s}, "
                f"got {self.overlap_s}"
            )


def extract_blocks(
    chunks: Iterable[Samples], extract: Callable[[Samples, int], Samples], config: BlockConfig
) -> Iterator[Samples]:
    """Apply ``extract`` to overlapping blocks of a stream and cross-fade the outputs.

    Parameters
    ----------
    chunks
        Consecutive ``(time,)`` of any lengths, at 16 kHz.
    extract
        Callable: ``(time,)``, number of its first sample -> ``(speakers, time)``.
    config
        Length and overlap of the blocks.

    Returns
    -------
    iterator of ndarray, ``(speakers, time)``
        Consecutive; together as long as the chunks. A stream of one block or less is extracted as
        a whole.
    """
    block, overlap = round(config.block_s * SAMPLE_RATE), round(config.overlap_s * SAMPLE_RATE)
    fade_in = ((np.arange(overlap) + 0.5) / overlap).astype(np.float32)
    waiting, tail, position = np.zeros(0, np.float32), None, 0
    for chunk in chunks:
        waiting = np.concatenate([waiting, chunk])
        while len(waiting) > block:
            voices = _cross_fade(extract(waiting[:block], position), tail, fade_in)
            yield voices[:, : block - overlap]
            tail = voices[:, block - overlap :]
            waiting = waiting[block - overlap :]
            position += block - overlap
    if len(waiting):
        yield _cross_fade(extract(waiting, position), tail, fade_in)


def _cross_fade(voices: Samples, tail: Samples | None, fade_in: Samples) -> Samples:
    """Blend the start of a block with the end of the previous one, ``(speakers, overlap)``."""
    if tail is None:
        return voices
    overlap = tail.shape[1]
    head = tail * (1 - fade_in) + voices[:, :overlap] * fade_in
    return np.concatenate([head, voices[:, overlap:]], axis=1)


class ExtractionStream:
    """Streaming extraction by a causal network; the outputs together equal the offline output.

    A sample is given out once all frames that cover it are complete, at most
    :attr:`latency_samples` later.

    Parameters
    ----------
    network : ExtractionNetwork
        Causal, in evaluation mode.
    cue : Cue
        Of one speaker.

    Raises
    ------
    ArgumentError
        If the network is not causal, or the cue describes several speakers.
    """

    def __init__(self, network: ExtractionNetwork, cue: Cue) -> None:
        if not network.causal:
            raise ArgumentError("`network` must be causal to extract from a stream; load another")
        if cue.batch != 1:
            raise ArgumentError(f"`cue` must be of one speaker, got {cue.batch}")
        self.network, self.framing = network, network.framing
        lead = self.framing.window_samples - self.framing.hop_samples
        self.memory: Memory = {}
        self.device = device_of(network)
        # Samples that the next frame begins with, and overlap-add that later frames contribute to.
        self.waiting = torch.zeros(1, lead, device=self.device)
        self.sums = torch.zeros(1, lead, device=self.device)
        self.lead, self.received, self.given = lead, 0, 0
        with torch.inference_mode():
            self.conditioning = network.condition(cue.map(lambda level: level.to(self.device)))

    def __repr__(self) -> str:
        seconds = self.received / SAMPLE_RATE
        return f"ExtractionStream({seconds:.1f} s, latency {self.latency_samples} samples)"

    @property
    def latency_samples(self) -> int:
        """Algorithmic latency of the output."""
        return self.framing.window_samples

    def push(self, block: Tensor) -> Tensor:
        """Take samples ``(time,)`` at 16 kHz and return those ``(ready,)`` that are complete."""
        self.received += len(block)
        ready = self._advance(block)
        self.given += len(ready)
        return ready

    def flush(self) -> Tensor:
        """Return the remaining samples, so that as many came out as went in."""
        frames = -(-self.received // self.framing.hop_samples) + self.framing.overlap - 1
        tail = frames * self.framing.hop_samples - self.received
        rest = self._advance(torch.zeros(max(tail, 0)))[: self.received - self.given]
        self.given += len(rest)
        return rest

    @torch.inference_mode()
    def _advance(self, block: Tensor) -> Tensor:
        window, hop = self.framing.window_samples, self.framing.hop_samples
        self.waiting = torch.cat([self.waiting, block[None].to(self.device)], dim=1)
        count = (self.waiting.shape[1] - window) // hop + 1
        if count < 1:
            return torch.zeros(0, device=self.device)
        frames = self.waiting.unfold(1, window, hop)
        self.waiting = self.waiting[:, count * hop :]
        frames = self.network.extract_frames(frames, self.conditioning, self.memory)
        total = torch.zeros(1, (count - 1) * hop + window, device=self.device)
        for index in range(count):
            total[:, index * hop : index * hop + window] += frames[:, index]
        total[:, : self.sums.shape[1]] += self.sums
        done, self.sums = total[0, : count * hop], total[:, count * hop :]
        skipped = min(self.lead, len(done))  # the first frames begin before the first sample
        self.lead -= skipped
        return done[skipped:]
