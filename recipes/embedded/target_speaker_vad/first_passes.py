"""Simulated conversations as the diarizer has them when it knows who the speakers are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from diarspk.diarization.assignment import assign_to_centroids
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import load_defaults
from diarspk.diarization.first_pass import FirstPassModels, compute_local_speakers
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.diarization.postprocessing import Postprocessing
from diarspk.diarization.reconstruction import speaker_activity
from diarspk.diarization.resegmentation import refine_centroids
from diarspk.diarization.target_speaker_vad import similarity_at
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision
from diarspk.features.recording import Recording
from diarspk.segmentation.segmenter import EmbeddedSegmenter
from recipes.embedded.data.conversations import Conversations
from recipes.embedded.data.crops import FRAMES_PER_SECOND
from recipes.embedded.frames.clean_voices import CleanVoices


@dataclass(frozen=True)
class FirstPassConfig:
    """How speakers are known.

    Attributes
    ----------
    clustered : float
        Share of the windows whose speakers are those that the diarizer finds in the window alone:
        two for one, one for two, and noise among them. In the others, speakers are known as from a
        long recording.
    own_share : tuple of float
        Range of how much of a speaker's direction comes there from the window itself; the rest
        comes from clean speech. A whole recording knows a voice better than a window does, and
        knows its channel.
    common_probability : float
        Share of the windows whose vectors are given a random direction in common, as those of a
        recording have that of its channel: voices of one telephone call are more alike.
    most_common : float
        Longest that it is, where vectors are as long as one.
    steps_s : tuple of float
        Seconds between the windows of segmentation, one of which is drawn.
    """

    clustered: float = 0.5
    own_share: tuple[float, float] = (0.0, 0.8)
    common_probability: float = 0.5
    most_common: float = 1.5
    steps_s: tuple[float, ...] = (2.5, 5.0)
    precision: Precision = "auto"


class FirstPasses(IterableDataset[dict[str, Tensor]]):
    """Batches of windows after segmentation, linking and resegmentation.

    ``frames (batch, frames, channels)`` of the trunk, ``directions (batch, speakers, dimension)``,
    ``likeness`` and ``prior (batch, frames, speakers)``, and ``activity``, which is right, of the
    speakers who are ``present (batch, speakers)``. Some of them do not talk, or are nobody.
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
        self.settings = DiarizerConfig()
        self.postprocessing = Postprocessing(self.settings, load_defaults(encoder.fingerprint))

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        conversations = self.conversations
        for number in conversations.share:
            batch = conversations.batch(np.random.default_rng([conversations.seed, 1, number]))
            generator = np.random.default_rng([conversations.seed, 3, number])
            voices = self.voices(batch["row"]).numpy()
            windows = [
                self.hear(features.numpy(), activity.numpy(), voice, generator)
                for features, activity, voice in zip(
                    batch["features"], batch["activity"], voices, strict=True
                )
            ]
            yield {name: torch.stack([each[name] for each in windows]) for name in windows[0]}

    def hear(
        self,
        features: NDArray[np.float32],
        activity: NDArray[np.float32],
        voices: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Pass over one window ``(frames, mels)`` with what its speakers are known by."""
        config, seconds = self.config, len(features) / FRAMES_PER_SECOND
        recording = Recording(
            "window", features.astype(np.float16), 0.0, seconds, 1 / FRAMES_PER_SECOND
        )
        segmenter = EmbeddedSegmenter(
            self.segmenter.head, step_s=float(generator.choice(config.steps_s))
        )
        passed = _Frames()
        models = FirstPassModels(self.encoder, segmenter, precision=config.precision)
        local = compute_local_speakers(recording, models, tracks=[passed])
        frames = torch.cat(passed.blocks)
        clustered = generator.random() < config.clustered
        found = self.cluster(local, activity, seconds) if clustered else None
        known = found or self.enrol(local, frames, activity, voices, generator)
        prior = speaker_activity(local, known.labels, len(known.directions))
        if self.settings.resegmentation is not None:
            prior = self.settings.resegmentation(prior, local, known.directions)
        directions = known.directions
        if found is not None:  # the others are known from elsewhere
            directions = refine_centroids(prior, local, directions)
        assert local.frame_embeddings is not None
        vectors = local.frame_embeddings.astype(np.float32)
        common = self.draw_common(directions.shape[1], generator)
        vectors, directions = add_common(vectors, common), add_common(directions, common)
        likeness = similarity_at(vectors @ directions.T, np.arange(local.frames))
        right = np.where(known.owner >= 0, activity[:, known.owner], 0.0)
        rest = len(voices) - len(known.owner)  # places of the window that are not taken
        parts = {
            "directions": np.pad(directions, ((0, rest), (0, 0))),
            "likeness": np.pad(likeness, ((0, 0), (0, rest))),
            "prior": np.pad(prior, ((0, 0), (0, rest))),
            "activity": np.pad(right, ((0, 0), (0, rest))).astype(np.float32),
            "present": np.arange(len(voices)) < len(known.owner),
        }
        return {"frames": frames} | {name: torch.from_numpy(part) for name, part in parts.items()}

    def draw_common(self, dimension: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """Draw what the vectors of a window have in common, ``(dimension,)``; often nothing."""
        direction = generator.normal(size=dimension).astype(np.float32)
        length = generator.uniform(0.0, self.config.most_common)
        length *= generator.random() < self.config.common_probability
        return (length * direction / np.linalg.norm(direction)).astype(np.float32)

    def enrol(
        self,
        local: LocalSpeakers,
        frames: Tensor,
        activity: NDArray[np.float32],
        voices: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> _Known:
        """Know all speakers by clean speech, and those who talk in the window also by that."""
        own = self.embed_alone(frames, activity)
        share = generator.uniform(*self.config.own_share, (len(voices), 1))
        share = share * own.any(1, keepdims=True)
        directions = ((1 - share) * voices + share * own).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        labels = np.full(local.seconds.shape, -1, np.int64)
        talking = local.seconds > 0
        if talking.any():
            labels = assign_to_centroids(local, labels, talking, directions.astype(np.float64))
        return _Known(directions, labels, np.arange(len(voices)))

    def cluster(
        self, local: LocalSpeakers, activity: NDArray[np.float32], seconds: float
    ) -> _Known | None:
        """Find the speakers as in a recording that is no longer; None where nobody is found."""
        first = FirstPass("window", seconds, self.encoder.fingerprint, local)
        labels = self.postprocessing.link(first).labels
        count = int(labels.max(initial=-1)) + 1
        if not count:
            return None
        talk = speaker_activity(local, labels, count)
        most = np.argsort(-talk.sum(0), kind="stable")[: activity.shape[1]]
        shared = talk[:, most].T @ activity
        owner = np.full(len(most), -1)
        rows, columns = linear_sum_assignment(-shared)
        owner[rows] = np.where(shared[rows, columns] > 0, columns, -1)
        directions = np.stack([local.centroid(labels == speaker) for speaker in most])
        number = np.full(count + 1, -1)  # of each speaker, and of nobody
        number[most] = np.arange(len(most))
        return _Known(directions, number[labels], owner)

    @torch.inference_mode()
    def embed_alone(self, frames: Tensor, activity: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed what each says alone: ``(speakers, dimension)``, zero for who never does."""
        alone = torch.from_numpy(activity * (activity.sum(1, keepdims=True) == 1)).T
        moments = self.encoder.network.utterance.frame_moments(frames[None])[0]
        pooled = (alone @ moments.flatten(1)).view(-1, *moments.shape[1:])
        vectors = self.encoder.network.utterance.embed_moments(pooled[None])[0]
        said = (alone.sum(1, keepdim=True) > 0).float()
        return (nn.functional.normalize(vectors, dim=-1) * said).numpy()


def add_common(vectors: NDArray[np.float32], common: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add to unit vectors ``(n, dim)`` what they are to have in common, and bring them to one."""
    added = vectors + common
    norms = np.linalg.norm(added, axis=1, keepdims=True)
    return (added / np.maximum(norms, 1e-8)).astype(np.float32)


class _Frames:
    """Keeps the trunk's frames while they pass by."""

    def __init__(self) -> None:
        self.blocks: list[Tensor] = []

    def push(self, frames: Tensor, moments: Tensor) -> None:
        """Take in the next frames ``(n, channels)``."""
        self.blocks.append(frames)


class _Known(NamedTuple):
    """Speakers of a window as the diarizer has them.

    ``directions (n, dimension)`` are unit vectors, ``labels (windows, local speakers)`` say who
    each local speaker is, ``owner (n,)`` who each speaker is in truth, -1 for nobody.
    """

    directions: NDArray[np.float32]
    labels: NDArray[np.int64]
    owner: NDArray[np.int64]
