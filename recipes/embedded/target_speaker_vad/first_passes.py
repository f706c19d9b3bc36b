"""Simulated conversations after the first pass, linking and resegmentation of the diarizer.

The TS-VAD head is trained on what it will be given: the diarizer's own first pass runs over each
simulated window (:func:`diarspk.diarization.first_pass.compute_local_speakers`), its speakers are
linked (:class:`diarspk.diarization.postprocessing.Postprocessing`) or enrolled, and the activity is
resegmented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import load_defaults
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.local_speakers import FirstPass, FirstPassModels, LocalSpeakers
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import speaker_activity
from diarspk.diarization.resegmentation import refine_centroids
from diarspk.diarization.target_speaker_vad import similarity_at
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision
from diarspk.features.recording import Recording
from diarspk.segmentation.segmenter import EmbeddedSegmenter
from recipes.embedded.data.conversations import Conversations
from recipes.embedded.data.pool import FRAMES_PER_SECOND
from recipes.embedded.frames.clean_voices import CleanVoices
from recipes.embedded.target_speaker_vad.known_speakers import (
    KnownSpeakers,
    cluster_speakers,
    embed_alone,
    enroll_speakers,
)

__all__ = ["FirstPassConfig", "FirstPasses", "add_common"]


@dataclass(frozen=True)
class FirstPassConfig:
    """Settings of how the speakers of a window are known.

    Attributes
    ----------
    clustered : float
        Share of the windows whose speakers are those that the diarizer finds in the window alone:
        two for one, one for two, and noise among them. In the others, speakers are known as from a
        long recording.
    own_share : tuple of float
        Range of the share of speech from the window itself in a speaker's centroid; the rest is
        clean speech. A whole recording knows a voice better than a window does, and knows its
        channel.
    common_probability : float
        Share of the windows whose embeddings all have a random vector added, as those of a
        recording have that of its channel: voices of one telephone call are more alike.
    max_common : float
        Maximum norm of that vector, where embeddings have norm one.
    steps_s : tuple of float
        Seconds between the windows of segmentation, one of which is drawn.
    precision : str
        Numerical precision of the networks.
    """

    clustered: float = 0.5
    own_share: tuple[float, float] = (0.0, 0.8)
    common_probability: float = 0.5
    max_common: float = 1.5
    steps_s: tuple[float, ...] = (2.5, 5.0)
    precision: Precision = "auto"


class FirstPasses(IterableDataset[dict[str, Tensor]]):
    """Batches of windows after first pass, linking and resegmentation.

    ``frames (batch, frames, channels)`` of the trunk, ``centroids (batch, speakers, dimension)``,
    ``similarity`` and ``prior (batch, frames, speakers)``, and the true ``activity`` of the
    speakers who are ``present (batch, speakers)``. Some of them do not talk, or are nobody.

    Parameters
    ----------
    conversations
        Simulated windows.
    encoder
        With a frame head.
    segmenter
        Of the same trunk.
    config
        How speakers are known.
    """

    def __init__(
        self,
        conversations: Conversations,
        encoder: LocalEncoder,
        segmenter: EmbeddedSegmenter,
        config: FirstPassConfig | None = None,
    ) -> None:
        self.conversations, self.encoder, self.segmenter = conversations, encoder, segmenter
        self.config = config or FirstPassConfig()
        self.voices = CleanVoices(
            conversations.voices, encoder.network, precision=self.config.precision
        )
        self.postprocessing = Postprocessing(DiarizerConfig(), load_defaults(encoder.fingerprint))

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        conversations = self.conversations
        for number in conversations.share:
            batch = conversations.batch(np.random.default_rng([conversations.seed, 1, number]))
            generator = np.random.default_rng([conversations.seed, 3, number])
            voices = self.voices(batch["row"]).numpy()
            windows = [
                self.window(features.numpy(), activity.numpy(), voice, generator)
                for features, activity, voice in zip(
                    batch["features"], batch["activity"], voices, strict=True
                )
            ]
            yield {name: torch.stack([each[name] for each in windows]) for name in windows[0]}

    def window(
        self,
        features: NDArray[np.float32],
        activity: NDArray[np.float32],
        voices: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Compute input and target of the head for one window.

        Parameters
        ----------
        features
            ``(frames, mels)``
        activity
            True activity, ``(label frames, speakers)``.
        voices
            Embeddings of the speakers' clean speech, ``(speakers, dimension)``.
        """
        first, frames = self.first_pass(features, generator)
        clustered = generator.random() < self.config.clustered
        found = cluster_speakers(first, self.postprocessing, activity) if clustered else None
        known = found or self.enroll(first.local, frames, activity, voices, generator)
        prior, centroids = self.resegment(first.local, known), known.centroids
        if found is not None:  # enrolled speakers are known from elsewhere, too
            centroids = refine_centroids(prior, first.local, centroids)
        assert first.local.frame_embeddings is not None
        common = self.draw_common(centroids.shape[1], generator)
        embeddings = add_common(first.local.frame_embeddings.astype(np.float32), common)
        centroids = add_common(centroids, common)
        similarity = similarity_at(embeddings @ centroids.T, np.arange(first.local.frames))
        right = np.where(known.owner >= 0, activity[:, known.owner], 0.0)
        rest = len(voices) - len(known.owner)  # places of the window that are not taken
        parts = {
            "centroids": np.pad(centroids, ((0, rest), (0, 0))),
            "similarity": np.pad(similarity, ((0, 0), (0, rest))),
            "prior": np.pad(prior, ((0, 0), (0, rest))),
            "activity": np.pad(right, ((0, 0), (0, rest))).astype(np.float32),
            "present": np.arange(len(voices)) < len(known.owner),
        }
        return {"frames": frames} | {name: torch.from_numpy(part) for name, part in parts.items()}

    def first_pass(
        self, features: NDArray[np.float32], generator: np.random.Generator
    ) -> tuple[FirstPass, Tensor]:
        """Run the diarizer's first pass over features, and collect the trunk's frames."""
        seconds = len(features) / FRAMES_PER_SECOND
        recording = Recording(
            "window", features.astype(np.float16), 0.0, seconds, 1 / FRAMES_PER_SECOND
        )
        step = float(generator.choice(self.config.steps_s))
        segmenter = EmbeddedSegmenter(self.segmenter.head, step_s=step)
        models = FirstPassModels(self.encoder, segmenter, precision=self.config.precision)
        frames = _Frames()
        local = compute_local_speakers(recording, models, tracks=[frames])
        first = FirstPass("window", seconds, self.encoder.fingerprint, local)
        return first, torch.cat(frames.blocks)

    def enroll(
        self,
        local: LocalSpeakers,
        frames: Tensor,
        activity: NDArray[np.float32],
        voices: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> KnownSpeakers:
        """Enroll all speakers with a drawn share of their own speech in the window."""
        own = embed_alone(frames, activity, self.encoder.network.utterance)
        share = generator.uniform(*self.config.own_share, (len(voices), 1))
        return enroll_speakers(local, voices, own, share)

    def resegment(self, local: LocalSpeakers, known: KnownSpeakers) -> NDArray[np.float32]:
        """Compute the activity of the known speakers, resegmented: ``(frames, speakers)``."""
        activity = speaker_activity(local, known.labels, len(known.centroids))
        resegmentation = self.postprocessing.config.resegmentation
        return (
            activity if resegmentation is None else resegmentation(activity, local, known.centroids)
        )

    def draw_common(self, dimension: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """Draw the vector added to all embeddings of a window, ``(dimension,)``; often zero."""
        direction = generator.normal(size=dimension).astype(np.float32)
        norm = generator.uniform(0.0, self.config.max_common)
        norm *= generator.random() < self.config.common_probability
        return (norm * direction / np.linalg.norm(direction)).astype(np.float32)


def add_common(vectors: NDArray[np.float32], common: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add a vector to unit vectors ``(n, dim)``, and normalise the sums."""
    added = vectors + common
    norms = np.linalg.norm(added, axis=1, keepdims=True)
    return (added / np.maximum(norms, 1e-8)).astype(np.float32)


class _Frames:
    """Track that collects the trunk's frames."""

    def __init__(self) -> None:
        self.blocks: list[Tensor] = []

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """Collect the next frames ``(n, channels)``."""
        self.blocks.append(frames)
