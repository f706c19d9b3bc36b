"""The one interface of all speaker encoders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.audio import SAMPLE_RATE, Audio
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from diarspk.embeddings.reduction import Projection

__all__ = ["FrameEmbeddings", "SpeakerEncoder", "check_span"]

Embedding = NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True)
class FrameEmbeddings:
    """One vector per frame.

    Attributes
    ----------
    data : ndarray of float32, ``(frames, dim)``
    hop : float
        Seconds from one frame to the next.
    start : float
        Seconds of the centre of the first frame.
    """

    data: NDArray[np.float32]
    hop: float
    start: float


class SpeakerEncoder(ABC):
    """Turns audio into speaker embeddings of unit norm, compared by cosine.

    ``audio`` is a path, a file object, a numpy array ``(time,)`` or ``(channels, time)``, or a
    torch tensor; with arrays ``sample_rate`` (Hz) is required.

    Attributes
    ----------
    name : str
        What a person calls the encoder. It identifies nothing: the fingerprint does.
    """

    name: str = ""

    def __repr__(self) -> str:
        named = f"{self.name!r}, " if self.name else ""
        return (
            f"{type(self).__name__}({named}dimension={self.dimension}, "
            f"fingerprint={self.fingerprint!r})"
        )

    @property
    @abstractmethod
    def sample_rate(self) -> int:
        """Rate in Hz that audio is brought to."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of an embedding."""

    @property
    @abstractmethod
    def frame_hop(self) -> float:
        """Seconds from one frame embedding to the next."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Identifies the embedding space: embeddings compare only if their fingerprints agree."""

    @property
    def space(self) -> Space:
        """Embedding space: fingerprint and dimension, without a name."""
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
        """Embed a recording, or parts of it from one pass.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.
        spans
            ``(start, end)`` in seconds, half open. Without it the whole recording is one span.

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
        """One embedding for every ``frame_hop`` seconds."""

    def embed_batch(self, batch: Sequence[Audio], sample_rate: int | None = None) -> Embedding:
        """Embed recordings of any lengths: ``(n, dim)``, each as :meth:`embed` gives it alone."""
        if not batch:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([self.embed(audio, sample_rate) for audio in batch])

    @property
    def prefixes(self) -> tuple[int, ...]:
        """Shorter lengths that embeddings were trained to be cut to; none for most encoders."""
        return ()

    def project(
        self, embeddings: ArrayLike, dimension: int = 20, method: Projection = "session"
    ) -> Embedding:
        """Bring embeddings of one session to fewer dimensions: unit vectors ``(n, dimension)``.

        Parameters
        ----------
        embeddings, dimension, method
            See :func:`diarspk.embeddings.project`.

        Raises
        ------
        ArgumentError
            As that function does, and if embeddings are not of this encoder's length or it has no
            trained projection.
        """
        from diarspk.embeddings.reduction import project

        vectors = np.asarray(embeddings)
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ArgumentError(
                f"`embeddings` must be of shape (n, {self.dimension}), got {vectors.shape}."
            )
        if method == "trained" and not self.prefixes:
            raise ArgumentError(
                f"`method` must be session or principal, got 'trained': {type(self).__name__} "
                "was not trained to be cut short."
            )
        return project(vectors, dimension, method)

    def embed_masked(self, windows: NDArray[np.float32], masks: NDArray[np.bool_]) -> Embedding:
        """Embed the speakers of windows of 16 kHz audio, each from the frames it has.

        Here the frames of a speaker are cut out and joined. An encoder that can leave the others
        out of its pooling does that instead, and hears each window once.

        Parameters
        ----------
        windows
            ``(windows, time)``.
        masks
            Frames that a speaker has, equally spaced over the window:
            ``(windows, frames, speakers)``.

        Returns
        -------
        ndarray of float32
            ``(windows, speakers, dim)`` of unit norm; zero for a speaker without frames.
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


def check_span(span: Span, duration: float) -> None:
    """Refuse a span that does not begin inside a recording of ``duration`` seconds.

    Raises
    ------
    ArgumentError
        With the span and the duration.
    """
    start, end = span
    if not (0 <= start < end and start < duration):
        raise ArgumentError(
            f"`spans` must be (start, end) with 0 <= start < end inside the recording of "
            f"{duration:.2f} s, got ({start}, {end}); check the times."
        )
