"""Embeddings of several frame-level layers of a teacher that stays as it is.

The layers are joined frame by frame, pooled by statistics (SP) or by a learnable dictionary (LDE,
Cai et al. 2018), and brought to one length by an affine layer. The dictionary and the affine layer
are learned as the teacher was: from the names of the training speakers.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling import DictionaryPooling, Pooling, StatisticsPooling
from diarspk.errors import ArgumentError
from diarspk.features.log_mel import FeatureConfig
from recipes.xvector_distillation.layer_activations import Levels, align_frames, compute_levels
from recipes.xvector_distillation.local_teacher import LocalTeacher
from recipes.zoo.settings import Phase
from recipes.zoo.settings import Settings as TeacherSettings
from recipes.zoo.sources import open_source
from recipes.zoo.speaker_training import SpeakerTraining
from recipes.zoo.training import Hardware, fit_module

__all__ = ["Aggregation", "build_aggregation", "fit_aggregation"]


class Aggregation(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    The teacher's weights are frozen, and it stays in evaluation mode after :meth:`train`.
    """

    def __init__(
        self,
        teacher: Architecture,
        levels: Levels,
        pooling: str,
        *,
        dimension: int,
        components: int,
    ) -> None:
        super().__init__()
        self.teacher, self.layers = teacher.requires_grad_(False).eval(), levels.aggregated
        self.channels_last = levels.channels_last
        self.dimension, self.minimum = dimension, teacher.minimum
        self.pool = _build_pooling(pooling, self._channels(), components)
        self.norm = nn.BatchNorm1d(self.pool.statistics)
        self.linear = nn.Linear(self.pool.statistics, dimension)

    def train(self, mode: bool = True) -> Aggregation:
        super().train(mode)
        self.teacher.eval()
        return self

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """Frames of the layers, joined; of crops of one length.

        Raises
        ------
        ArgumentError
            If there is a mask.
        """
        if mask is not None:
            raise ArgumentError("`mask` must be None: crops here are of one length")
        with torch.no_grad():
            activations = compute_levels(
                self.teacher, features, self.layers, channels_last=self.channels_last
            )
        return self.join(activations.frames), None

    def join(self, frames: dict[str, Tensor]) -> Tensor:
        """Join the frames of the layers: ``(batch, frames', sum of channels)``."""
        return torch.cat(align_frames([frames[name] for name in self.layers]), dim=-1)

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.linear(self.norm(pooled))

    def _channels(self) -> int:
        features = torch.zeros(1, self.minimum, FeatureConfig().mels)
        return self.encode(features)[0].shape[-1]


def build_aggregation(
    teacher: Architecture,
    levels: Levels,
    pooling: str,
    *,
    dimension: int,
    components: int,
    seed: int,
) -> Aggregation:
    """Build one with the weights of a seed; the global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Aggregation(teacher, levels, pooling, dimension=dimension, components=components)


def fit_aggregation(
    aggregation: Aggregation,
    settings: TeacherSettings,
    phase: Phase,
    folder: Path,
    *,
    seed: int,
    stop_at: int | None = None,
    accelerator: str = "auto",
) -> None:
    """Train on the data of the teacher's run, or go on; see :func:`recipes.zoo.training.fit`."""
    source = open_source(settings, phase, FeatureConfig())
    training = _AggregationTraining(settings, phase, source.classes, aggregation)
    fit_module(
        training,
        source,
        phase,
        folder,
        seed=seed,
        workers=settings.workers,
        stop_at=stop_at,
        hardware=Hardware(accelerator, precision=settings.precision),
    )


class _AggregationTraining(SpeakerTraining):
    """Training on features as the teacher reads them."""

    def normalize(self, features: Tensor) -> Tensor:
        teacher = cast(Aggregation, self.network).teacher
        return features if isinstance(teacher, LocalTeacher) else super().normalize(features)


def _build_pooling(name: str, channels: int, components: int) -> Pooling:
    if name == "dictionary":
        return DictionaryPooling(channels, components=components)
    return StatisticsPooling(channels)
