"""Extraction in bounded memory: cross-faded blocks for any network, a stream for a causal one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.arguments import check_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.devices import device_of
from diarspk.errors import ArgumentError
from tse.cues import Cue
from tse.models.network import OF_THE_CUE, ExtractionNetwork, Memory

__all__ = ["BlockConfig", "ExtractionStream", "extract_blocks", "stream_voices"]

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


def stream_voices(
    network: ExtractionNetwork, blocks: Iterable[Samples], cues: Sequence[Cue]
) -> Iterator[Samples]:
    """Extract several speakers by a causal network: ``(speakers, time)``, as long as the blocks."""
    streams = [ExtractionStream(network, cue) for cue in cues]
    for block in blocks:
        samples = torch.from_numpy(np.ascontiguousarray(block))
        yield np.stack([stream.push(samples).numpy(force=True) for stream in streams])
    yield np.stack([stream.flush().numpy(force=True) for stream in streams])


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
    frames_per_step : int, optional
        Frames that the network takes at a time. The output is the same to the last bit however the
        input is cut, since all matrices are of one size then. Default: all that are complete, which
        takes the least time.

    Raises
    ------
    ArgumentError
        If the network is not causal, or the cue describes several speakers.
    """

    def __init__(
        self, network: ExtractionNetwork, cue: Cue, *, frames_per_step: int | None = None
    ) -> None:
        if not network.causal:
            raise ArgumentError("`network` must be causal to extract from a stream; load another")
        if cue.batch != 1:
            raise ArgumentError(f"`cue` must be of one speaker, got {cue.batch}")
        self.network, self.framing = network, network.framing
        self.frames_per_step = frames_per_step
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
        further = (self.frames_per_step or 1) - 1
        return self.framing.window_samples + further * self.framing.hop_samples

    def push(self, block: Tensor) -> Tensor:
        """Take samples ``(time,)`` at 16 kHz and return those ``(ready,)`` that are complete."""
        self.received += len(block)
        self.waiting = torch.cat([self.waiting, block[None].to(self.device)], dim=1)
        ready = self._advance(self.frames_per_step)
        self.given += len(ready)
        return ready

    def flush(self) -> Tensor:
        """Return the remaining samples, so that as many came out as went in."""
        frames = -(-self.received // self.framing.hop_samples) + self.framing.overlap - 1
        tail = max(frames * self.framing.hop_samples - self.received, 0)
        self.waiting = torch.nn.functional.pad(self.waiting, (0, tail))
        rest = torch.cat([self._advance(self.frames_per_step), self._advance(None)])
        rest = rest[: self.received - self.given]
        self.given += len(rest)
        return rest

    def _advance(self, step: int | None) -> Tensor:
        """Process the frames that are complete, so many at a time; return what they complete."""
        count = (
            self.waiting.shape[1] - self.framing.window_samples
        ) // self.framing.hop_samples + 1
        step = max(count, 1) if step is None else step
        done = [self._process(step) for _ in range(count // step)]
        return torch.cat([torch.zeros(0, device=self.device), *done])

    @torch.inference_mode()
    def _process(self, count: int) -> Tensor:
        """Process the next frames."""
        window, hop = self.framing.window_samples, self.framing.hop_samples
        frames = self.waiting[:, : (count - 1) * hop + window].unfold(1, window, hop)
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

    def state(self) -> dict[str, Any]:
        """Return what a stream of the same network and cue goes on from."""
        memory = {
            name: tensor.numpy(force=True)
            for name, tensor in self.memory.items()
            if not name.startswith(OF_THE_CUE)
        }
        return {
            "memory": memory,
            "waiting": self.waiting.numpy(force=True),
            "sums": self.sums.numpy(force=True),
            "counts": [self.lead, self.received, self.given],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        memory = {name: torch.from_numpy(array) for name, array in state["memory"].items()}
        self.memory = {
            name: tensor if name == "level" else tensor.to(self.device)
            for name, tensor in memory.items()
        }
        self.waiting = torch.from_numpy(state["waiting"]).to(self.device)
        self.sums = torch.from_numpy(state["sums"]).to(self.device)
        self.lead, self.received, self.given = state["counts"]
