"""Interface of all speaker encoders: audio to embeddings of spans, of frames, of masked windows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.arguments import as_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    import torch

    from diarspk.audio import Audio
    from diarspk.embeddings.reduction import Projection
    from diarspk.embeddings.space import Space

__all__ = ["FrameEmbeddings", "SpeakerEncoder", "check_spans"]

Embedding = NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True, repr=False)
class FrameEmbeddings:
    """Vectors at a constant frame rate.

    Attributes
    ----------
    data : ndarray of float32, ``(frames, dim)``
    hop : float
        Seconds from one frame to the next.
    start : float
        Centre of the first frame in seconds.
    """

    data: NDArray[np.float32]
    hop: float
    start: float

    def aligned_to(self, other: FrameEmbeddings) -> NDArray[np.float32]:
        """Take the frame nearest in time to each of another encoder's, ``(frames, dim)``."""
        times = other.start + other.hop * np.arange(len(other.data))
        rows = np.round((times - self.start) / self.hop).astype(np.int64)
        return self.data[rows.clip(0, len(self.data) - 1)]

    def __repr__(self) -> str:
        frames, channels = self.data.shape
        return (
            f"FrameEmbeddings({frames} frames x {channels}, hop={self.hop:g}, start={self.start:g})"
        )


class SpeakerEncoder(ABC):
    """Speaker embeddings of unit norm, compared by cosine similarity.

    ``audio`` is a path, a binary file object, a numpy array ``(time,)`` or ``(channels, time)``, or
    a torch tensor; arrays need their ``sample_rate`` in Hz.

    Attributes
    ----------
    name : str
        What a person calls the encoder. It identifies nothing: the fingerprint does.
    origin : str
        Model of another project whose very weights these are, as far as the content of their file
        tells: the encoder of a synthesizer, for instance. Mostly empty.
    """

    name: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        named = f"{self.name!r}, " if self.name else ""
        return (
            f"{type(self).__name__}({named}dimension={self.dimension}, "
            f"fingerprint={self.fingerprint!r})"
        )

    @property
    @abstractmethod
    def sample_rate(self) -> int:
        """Sample rate of the network's input in Hz; audio is resampled to it."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of dimensions of an embedding."""

    @property
    @abstractmethod
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space; embeddings of two spaces do not compare."""

    @property
    def device(self) -> torch.device:
        """Device that the networks are on."""
        from diarspk.devices import CPU

        return CPU

    def to(self, device: str | torch.device) -> SpeakerEncoder:
        """Move the networks to a device, in place, and return the encoder.

        Parameters
        ----------
        device : str or torch.device
            See :func:`diarspk.devices.choose_device`.

        Raises
        ------
        ArgumentError
            If there is no such device, or this kind of encoder runs on the processor alone.
        """
        from diarspk.devices import choose_device

        if choose_device(device) != self.device:
            raise ArgumentError(
                f"`device` must be {self.device}, where a {type(self).__name__} runs, "
                f"got {str(device)!r}"
            )
        return self

    @property
    def space(self) -> Space:
        """Embedding space: fingerprint and dimension, without a name."""
        from diarspk.embeddings.space import Space

        return Space(self.fingerprint, self.dimension)

    @abstractmethod
    def embed(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        spans: Sequence[Span] | None = None,
        *,
        channel: int | None = None,
    ) -> Embedding:
        """Embed a recording, or spans of it from a single forward pass where the network can.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.
        spans
            Half-open ``(start, end)`` in seconds. Default: the whole recording.

        Returns
        -------
        ndarray of float32
            ``(dim,)`` without spans, ``(n, dim)`` for ``n`` spans; unit norm.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ArgumentError
            If a span is empty or lies outside the recording.
        """

    @abstractmethod
    def embed_frames(
        self, audio: Audio, sample_rate: int | None = None, *, channel: int | None = None
    ) -> FrameEmbeddings:
        """Embed a recording at a constant frame rate, every ``frame_hop`` seconds.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        """

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """Embed ``n`` recordings of any lengths: ``(n, dim)``, invariant to their padding."""
        if not batch:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([self.embed(audio, sample_rate) for audio in batch])

    @property
    def prefixes(self) -> tuple[int, ...]:
        """Dimensions of the nested embeddings: prefixes trained to be embeddings themselves.

        Empty for encoders without Matryoshka training (Kusupati et al. 2022).
        """
        return ()

    def project(
        self, embeddings: ArrayLike, dimension: int = 20, method: Projection = "session"
    ) -> Embedding:
        """Reduce the dimension of one session's embeddings: unit vectors ``(n, dimension)``.

        Parameters
        ----------
        embeddings, dimension, method
            See :func:`diarspk.embeddings.project`.

        Raises
        ------
        ArgumentError
            As that function does; also if embeddings are not of this encoder's dimension, or
            ``method`` is "trained" and the encoder has no nested embeddings.
        """
        from diarspk.embeddings.reduction import project

        vectors = as_numbers(embeddings, "embeddings")
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ArgumentError(
                f"`embeddings` must be of shape (n, {self.dimension}), got {vectors.shape}."
            )
        if isinstance(method, str) and method == "trained" and not self.prefixes:
            raise ArgumentError(
                f"`method` must be session or principal, got 'trained': {type(self).__name__} "
                "was not trained to be cut short."
            )
        return project(vectors, dimension, method)

    def embed_masked(self, windows: NDArray[np.float32], masks: NDArray[np.bool_]) -> Embedding:
        """Embed the speakers of windows of 16 kHz audio, each from the frames of its mask.

        This default concatenates the audio under each speaker's mask and embeds it. Encoders whose
        pooling takes frame weights override it, and compute each window once.

        Parameters
        ----------
        windows : ndarray of float32, ``(windows, time)``
        masks : ndarray of bool, ``(windows, frames, speakers)``
            Frames of each speaker, equally spaced over the window.

        Returns
        -------
        ndarray of float32
            ``(windows, speakers, dim)`` of unit norm; zero where a mask is empty.
        """
        count, frames, speakers = masks.shape
        edges = np.round(np.linspace(0, windows.shape[1], frames + 1)).astype(np.int64)
        samples = np.diff(edges)
        vectors = np.zeros((count, speakers, self.dimension), np.float32)
        talking = masks.any(axis=1)
        clips = [
            windows[window][np.repeat(masks[window, :, speaker], samples)]
            for window, speaker in np.argwhere(talking)
        ]
        if clips:
            vectors[talking] = self.embed_batch(clips, SAMPLE_RATE)
        return vectors


def check_spans(spans: object, duration: float) -> list[Span]:
    """Check that spans in seconds are not empty and begin inside the recording.

    Raises
    ------
    ArgumentError
        Otherwise, with the span and the duration.
    """
    if not isinstance(spans, Iterable) or isinstance(spans, str | bytes):
        raise ArgumentError(
            f"`spans` must be a list of (start, end) in seconds, got {type(spans).__name__}"
        )
    return [_check_span(span, duration) for span in spans]


def _check_span(span: object, duration: float) -> Span:
    pair = tuple(span) if isinstance(span, Iterable) and not isinstance(span, str) else ()
    if len(pair) != 2 or not all(isinstance(time, Real) for time in pair):
        raise ArgumentError(
            f"`spans` must be a list of pairs (start, end) of numbers in seconds, got {span!r} in "
            "the place of one"
        )
    start, end = pair
    if not (0 <= start < end < math.inf and start < duration):
        raise ArgumentError(
            f"`spans` must be (start, end) with 0 <= start < end inside the recording of "
            f"{duration:.2f} s, got ({start}, {end}); check the times."
        )
    return float(start), float(end)
