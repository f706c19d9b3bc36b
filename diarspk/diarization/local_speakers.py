"""Results of the first pass: local speakers of overlapping windows, not yet linked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.blocks import blocks
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.precision import Precision

if TYPE_CHECKING:
    from diarspk.diarization.subsegments import Subsegments
    from diarspk.encoders.base import SpeakerEncoder
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.features.recording_quality import RecordingQuality
    from diarspk.segmentation.segmenter import Segmenter
    from diarspk.segmentation.target_speaker_vad import TargetSpeakerVadHead

__all__ = [
    "ACTIVE",
    "FRAME_EMBEDDING_STEP",
    "FirstPass",
    "FirstPassModels",
    "LocalSpeakers",
    "cosines_to",
]

ACTIVE = 0.5
"""Probability above which a local speaker talks."""

FRAME_EMBEDDING_STEP = 6
"""Trunk frames from one frame embedding to the next: a quarter of a second."""


@dataclass(frozen=True)
class LocalSpeakers:
    """Who talks in each window.

    Attributes
    ----------
    activity : NDArray of float32, shape (windows, frames, speakers)
        Probability that a local speaker talks.
    first : NDArray of int64, shape (windows,)
        First frame of each window in the recording.
    embeddings : NDArray of float32, shape (windows, speakers, dim)
        Unit vectors; zero for a local speaker who does not talk.
    seconds : NDArray of float64, shape (windows, speakers)
        Speech behind each embedding.
    frames : int
        Frames of the recording.
    hop, start : float
        Seconds between frames, and of the centre of the first.
    subsegments : Subsegments, optional
        Of the same recording, where the trunk embeds.
    frame_embeddings : NDArray of float16, shape (ceil(frames / FRAME_EMBEDDING_STEP), dim), \
optional
        Vectors of the trunk's frame head, every sixth frame from the first on.
    vad_features : NDArray of float16, shape (frames, channels), optional
        TS-VAD features of every frame.
    trunk_embeddings : NDArray of float32, shape (windows, speakers, dim), optional
        The local speakers in the space of the trunk, whose frame embeddings and features these
        are; None where the trunk has made the embeddings, too.
    """

    activity: NDArray[np.float32]
    first: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    seconds: NDArray[np.float64]
    frames: int
    hop: float
    start: float
    subsegments: Subsegments | None = None
    frame_embeddings: NDArray[np.float16] | None = None
    vad_features: NDArray[np.float16] | None = None
    trunk_embeddings: NDArray[np.float32] | None = None

    @property
    def talking(self) -> NDArray[np.bool_]:
        """Local speakers who talk, ``(windows, speakers)``."""
        return self.seconds > 0

    def in_trunk_space(self) -> LocalSpeakers:
        """Return the same with the embeddings of the trunk; subsegments have none in its space."""
        if self.trunk_embeddings is None:
            return self
        return replace(
            self, embeddings=self.trunk_embeddings, subsegments=None, trunk_embeddings=None
        )

    @property
    def dialogue(self) -> float | None:
        """Share of the windows with speech in which two people or more talk, a second each."""
        people = (self.seconds >= 1.0).sum(axis=1)
        return float((people >= 2).sum() / (people >= 1).sum()) if people.any() else None

    def seconds_alone(self, window: int) -> NDArray[np.float64]:
        """Seconds that each local speaker of a window talks while no other one does."""
        active = self.activity[window] > ACTIVE  # (frames, speakers)
        alone = active & (active.sum(axis=1, keepdims=True) == 1)
        return np.asarray(alone.sum(axis=0) * self.hop)

    def centroid(self, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Mean of ``chosen (windows, speakers)``, weighted by seconds; unit norm, ``(dim,)``."""
        total = (self.embeddings[chosen] * self.seconds[chosen][:, None]).sum(0)
        return unit_vector(total).astype(np.float32)

    def centroids(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Centroid of every speaker of ``labels (windows, speakers)``: ``(speakers, dim)``."""
        speakers = range(int(labels.max(initial=-1)) + 1)
        dimension = self.embeddings.shape[2]
        rows = [self.centroid(labels == speaker) for speaker in speakers]
        return np.stack(rows) if rows else np.zeros((0, dimension), np.float32)


@dataclass(frozen=True, eq=False)
class FirstPassModels:
    """Models of the first pass.

    Attributes
    ----------
    trunk : LocalEncoder
        Its frames are what the segmentation head reads, and the clock of the result.
    segmenter : Segmenter
        Finds the local speakers of each window.
    encoder : SpeakerEncoder, optional
        Embeds the local speakers from the audio. Default: the utterance head of the trunk, which
        embeds them from its frames.
    vad_head : TargetSpeakerVadHead, optional
        TS-VAD head of the trunk, whose features are kept where the trunk embeds.
    precision : str
        Numerical precision of the networks on the trunk.
    """

    trunk: LocalEncoder
    segmenter: Segmenter
    encoder: SpeakerEncoder | None = None
    vad_head: TargetSpeakerVadHead | None = None
    precision: Precision = "single"


@dataclass(frozen=True, eq=False)
class FirstPass:
    """Result of the first pass over a recording: all that later steps need; some 35 MB an hour.

    Attributes
    ----------
    uri : str
        Name of the recording, as written to RTTM.
    duration : float
        Seconds.
    fingerprint : str
        Of the encoder, which identifies the space of all embeddings here.
    local : LocalSpeakers
        Who talks in each window.
    non_speech : NDArray of float32, shape (m, dim), optional
        Embeddings of non-speech, where the settings ask for them.
    precision : str
        Numerical precision of the networks, which later steps go on with.
    quality : RecordingQuality, optional
        What makes it doubtful that the speech was found.
    """

    uri: str
    duration: float
    fingerprint: str
    local: LocalSpeakers
    non_speech: NDArray[np.float32] | None = None
    precision: Precision = "single"
    quality: RecordingQuality | None = None


def cosines_to(
    vectors: NDArray[np.floating], centroids: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Products of vectors ``(n, dim)``, half precision or not, and centroids ``(speakers, dim)``.

    Block by block: in single precision all at once would be twice as large as they are.

    Returns
    -------
    NDArray of float32, shape (n, speakers)
    """
    columns = centroids.astype(np.float32).T
    cosines = np.empty((len(vectors), len(centroids)), np.float32)
    for rows in blocks(len(vectors)):
        cosines[rows] = vectors[rows].astype(np.float32, copy=False) @ columns
    return cosines
