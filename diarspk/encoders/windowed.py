"""A speaker encoder of any network: spans cut out, embedded in batches of similar lengths."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.audio import Audio, load_audio
from diarspk.encoders.architecture import Architecture
from diarspk.encoders.base import Embedding, FrameEmbeddings, Span, SpeakerEncoder, check_span
from diarspk.encoders.front_end import FrontEnd
from diarspk.encoders.masking import length_mask

__all__ = ["WindowConfig", "WindowedEncoder", "fingerprint_of"]

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class WindowConfig:
    """How a recording is cut for a network that needs a whole utterance.

    Attributes
    ----------
    window : float
        Seconds around the centre of a frame embedding that it is made from.
    hop : float
        Seconds from one frame embedding to the next.
    longest : float
        Seconds that are embedded at once; a longer span is the mean of equal parts.
    batch : float
        Seconds of audio, padding included, in one batch: this bounds the memory.
    """

    window: float = 1.5
    hop: float = 0.08
    longest: float = 60.0
    batch: float = 120.0


class WindowedEncoder(SpeakerEncoder):
    """Speaker embeddings from an :class:`~diarspk.encoders.architecture.Architecture`.

    A span is embedded as if it were a recording of its own. What is too short for the network is
    repeated until it is long enough.
    """

    def __init__(
        self,
        network: Architecture,
        front_end: FrontEnd,
        config: WindowConfig | None = None,
    ) -> None:
        self.network = network.eval()
        self.front_end = front_end
        self.config = config or WindowConfig()
        self._fingerprint = fingerprint_of(network, front_end)

    @property
    def sample_rate(self) -> int:
        """Rate in Hz that audio is brought to."""
        return self.front_end.sample_rate

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.network.dimension

    @property
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next."""
        return self.config.hop

    @property
    def fingerprint(self) -> str:
        """Identifies the embedding space."""
        return self._fingerprint

    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """See :meth:`SpeakerEncoder.embed`."""
        waveform = load_audio(audio, sample_rate, channel=channel)
        if spans is None:
            return self._embed_clips([waveform])[0]
        return self._embed_clips([self._cut(waveform, span) for span in spans])

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """See :meth:`SpeakerEncoder.embed_batch`."""
        return self._embed_clips([load_audio(audio, sample_rate) for audio in batch])

    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """Embed a window around every ``frame_hop`` seconds; at the ends it is cut off."""
        waveform = load_audio(audio, sample_rate, channel=channel)
        hop, half = self.config.hop, self.config.window / 2
        duration = len(waveform) / self.sample_rate
        centres = (np.arange(math.ceil(duration / hop)) + 0.5) * hop
        spans = [(max(centre - half, 0.0), min(centre + half, duration)) for centre in centres]
        clips = [self._cut(waveform, span) for span in spans]
        return FrameEmbeddings(self._embed_clips(clips), hop, hop / 2)

    def encode_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """Frame features ``(frames, channels)`` before pooling, as the network makes them.

        A recording longer than ``config.longest`` is encoded in equal parts.
        """
        waveform = load_audio(audio, sample_rate, channel=channel)
        with torch.inference_mode():
            parts = [
                self.network.encode(self._inputs(part)[None])[0][0]
                for part in self._parts(waveform)
            ]
        hop = self.network.stride * self.front_end.hop_samples / self.sample_rate
        first = self.front_end.samples_for(1) / 2 + self.network.offset * self.front_end.hop_samples
        return FrameEmbeddings(torch.cat(parts).numpy(), hop, first / self.sample_rate)

    def _cut(self, waveform: Waveform, span: Span) -> Waveform:
        check_span(span, len(waveform) / self.sample_rate)
        start, end = span
        first = min(round(start * self.sample_rate), len(waveform) - 1)
        last = max(round(end * self.sample_rate), first + 1)
        return waveform[first:last]

    def _embed_clips(self, clips: Sequence[Waveform]) -> Embedding:
        """Embed waveforms of any lengths: unit vectors ``(n, dim)``."""
        parts = [self._parts(clip) for clip in clips]
        embeddings = self._embed_parts([part for clip in parts for part in clip])
        result = np.zeros((len(clips), self.dimension), np.float32)
        first = 0
        for row, clip in zip(result, parts, strict=True):
            total = embeddings[first : first + len(clip)].sum(axis=0)
            row[:] = total / max(float(np.linalg.norm(total)), 1e-12)
            first += len(clip)
        return result

    def _parts(self, clip: Waveform) -> list[Waveform]:
        """Equal parts no longer than ``config.longest``."""
        count = math.ceil(len(clip) / (self.config.longest * self.sample_rate))
        return np.array_split(clip, max(count, 1))

    @torch.inference_mode()
    def _embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """Embed waveforms that each fit into memory, in batches of similar lengths."""
        embeddings = np.zeros((len(parts), self.dimension), np.float32)
        for chosen in self._batches([len(part) for part in parts]):
            batch, mask = _pad([self._inputs(parts[index]) for index in chosen])
            vectors = self.network(batch, mask)
            embeddings[chosen] = nn.functional.normalize(vectors, dim=-1).numpy()
        return embeddings

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Sort indices by length; a batch is as long as its longest item times its items."""
        limit = self.config.batch * self.sample_rate
        batch: list[int] = []
        for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
            if batch and (len(batch) + 1) * lengths[index] > limit:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def _inputs(self, waveform: Waveform) -> Tensor:
        """Compute inputs; a waveform that is too short for the network is repeated."""
        least = self.front_end.samples_for(self.network.minimum)
        if len(waveform) < least:
            waveform = np.resize(waveform, least)
        return self.front_end(torch.from_numpy(np.ascontiguousarray(waveform)))


def fingerprint_of(network: Architecture, front_end: FrontEnd) -> str:
    """First 16 hexadecimal digits of a sha256 of the weights and of what the network hears."""
    digest = hashlib.sha256(f"{type(network).__name__} {front_end.describe()}".encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _pad(items: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Stack ``(frames, ...)`` behind each other with zeros, and mask the zeros."""
    lengths = torch.tensor([len(item) for item in items])
    batch = nn.utils.rnn.pad_sequence(list(items), batch_first=True)
    if int(lengths.min()) == batch.shape[1]:
        return batch, None
    return batch, length_mask(lengths, batch.shape[1])
