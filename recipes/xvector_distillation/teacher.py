"""A trained teacher with its aggregations: every single kind of embedding from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from diarspk.encoders.architectures.base import Architecture
from recipes.xvector_distillation.aggregation import Aggregation, build_aggregation
from recipes.xvector_distillation.embedding_types import AGGREGATED, UTTERANCE, Kind, parse_kind
from recipes.xvector_distillation.layer_activations import Activations, Levels, compute_levels
from recipes.xvector_distillation.local_teacher import LocalTeacher
from recipes.xvector_distillation.settings import Settings
from recipes.xvector_distillation.teacher_source import TeacherSource, open_teacher
from recipes.zoo.final_weights import FINAL, read_weights
from recipes.zoo.settings import Precision

__all__ = [
    "AGGREGATIONS",
    "Teacher",
    "chosen_kinds",
    "load_teacher",
    "make_aggregation",
    "needed_aggregations",
]

AGGREGATIONS = "aggregation"


@dataclass(frozen=True)
class Teacher:
    """Networks that are run together.

    Attributes
    ----------
    levels : Levels
    layers : tuple of str
        Frame-level layers that somebody wants.
    aggregations : dict of str to Aggregation
        By the name of the pooling.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
        Of matrix products.
    """

    network: Architecture
    levels: Levels
    layers: tuple[str, ...]
    aggregations: dict[str, Aggregation] = field(default_factory=dict)
    precision: Precision = "32-true"

    @property
    def centred(self) -> bool:
        """Whether the network reads features less their mean over time."""
        return not isinstance(self.network, LocalTeacher)

    @torch.inference_mode()
    def compute(self, features: Tensor) -> tuple[dict[str, Tensor], Activations]:
        """Embed a batch ``(batch, frames, mels)``, less its mean over time if :attr:`centred`.

        Returns
        -------
        (dict of str to Tensor, Activations)
            ``(batch, dim)`` of each single kind, that of a layer being the mean of its frames; and
            the frames of the layers.
        """
        wanted = {name for one in self.aggregations.values() for name in one.layers}
        layers = [*self.layers, *wanted - set(self.layers)]
        with torch.autocast(features.device.type, torch.bfloat16, enabled="bf16" in self.precision):
            activations = compute_levels(
                self.network, features, layers, channels_last=self.levels.channels_last
            )
        activations = Activations(
            activations.embedding.float(),
            {name: frames.float() for name, frames in activations.frames.items()},
        )
        vectors = {UTTERANCE: activations.embedding}
        for name, one in self.aggregations.items():
            vectors[name] = one.project(one.pool(one.join(activations.frames)))
        return vectors | {
            name: activations.frames[name].mean(dim=1) for name in self.layers
        }, activations


def chosen_kinds(settings: Settings, levels: Levels) -> list[Kind]:
    """Parse the kinds of the settings."""
    return [parse_kind(name, levels) for name in settings.kinds]


def make_aggregation(settings: Settings, source: TeacherSource, pooling: str) -> Aggregation:
    """Build the untrained aggregation of a pooling."""
    return build_aggregation(
        source.network,
        source.levels,
        pooling,
        dimension=settings.aggregated_dimension,
        components=settings.components,
        seed=settings.seed,
    )


def needed_aggregations(kinds: Sequence[Kind]) -> list[str]:
    """Poolings of which a kind is made."""
    return [name for name in AGGREGATED if any(name in kind.sources for kind in kinds)]


def load_teacher(settings: Settings, run: Path) -> Teacher:
    """Read the teacher and the aggregations of a run."""
    source = open_teacher(settings)
    kinds = chosen_kinds(settings, source.levels)
    aggregations = {}
    for pooling in needed_aggregations(kinds):
        aggregations[pooling] = one = make_aggregation(settings, source, pooling)
        one.load_state_dict(read_weights(run / AGGREGATIONS / pooling / FINAL))
        one.eval()
    wanted = {name for kind in kinds for name in kind.sources}
    layers = tuple(name for name in source.levels.layers if name in wanted)
    return Teacher(source.network, source.levels, layers, aggregations, settings.precision)
