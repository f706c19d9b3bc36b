"""Students: eight fully connected layers on a window of feature frames.

A window of fifteen frames is the context of a frame of the x-vector network, so that a student has
the same context as its teacher. A frame-level student sends every window through all layers; its
embedding of an utterance is the mean of its outputs. An utterance-level student has mean and
standard deviation over time after the fifth layer, and three more layers for the utterance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.masking import Mask
from diarspk.encoders.architectures.pooling import MeanPooling, StatisticsPooling
from diarspk.encoders.architectures.xvector import TimeDelay

__all__ = ["Student", "StudentConfig", "build_student"]

LAYERS = 8
FRAME_LEVEL, UTTERANCE_LEVEL = LAYERS - 1, 5
"""Layers before the pooling. (A mean after the last layer, which is linear, equals one before.)"""


@dataclass(frozen=True)
class StudentConfig:
    """Dimensions of a :class:`Student`.

    Attributes
    ----------
    dimension : int
        That of the teacher's embedding.
    utterance_level : bool
    context : int
        Context in frames on either side of a frame.
    width : int
        Of the hidden layers.
    """

    dimension: int
    utterance_level: bool
    mels: int = 80
    context: int = 7
    width: int = 176


class Student(Architecture):
    """Features ``(batch, frames, mels)`` to embeddings ``(batch, dimension)``.

    Hidden layers are affine, ReLU, batch norm without parameters, as the teacher's are.
    """

    local = True

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config, self.dimension = config, config.dimension
        width, window = config.width, 2 * config.context + 1
        self.minimum, self.offset = window, config.context
        framed = UTTERANCE_LEVEL if config.utterance_level else FRAME_LEVEL
        # A fully connected layer on a window that slides is a convolution.
        first = TimeDelay(config.mels, width, window, 1, 0, affine=False)
        others = [TimeDelay(width, width, 1, 1, 0, affine=False) for _ in range(framed - 1)]
        self.frames = nn.ModuleList([first, *others])
        pooling = StatisticsPooling if config.utterance_level else MeanPooling
        self.pool = pooling(width)
        segments: list[nn.Module] = []
        inputs = self.pool.statistics
        for _ in range(LAYERS - 1 - framed):
            norm = nn.BatchNorm1d(width, affine=False)
            segments += [nn.Linear(inputs, width), nn.ReLU(), norm]
            inputs = width
        self.segments = nn.Sequential(*segments, nn.Linear(inputs, config.dimension))

    def encode(self, features: Tensor, mask: Mask = None) -> tuple[Tensor, Mask]:
        """See :meth:`Architecture.encode`."""
        x = features.transpose(1, 2)
        for layer in self.frames:
            x, mask = layer(x, mask)
        return x.transpose(1, 2), mask

    def project(self, pooled: Tensor) -> Tensor:
        """See :meth:`Architecture.project`."""
        return self.segments(pooled)


def build_student(config: StudentConfig, *, seed: int) -> Student:
    """Build a student with the weights of a seed; the global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Student(config)
