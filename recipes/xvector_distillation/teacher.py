"""A trained teacher with its aggregations: every single kind of embedding from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from diarspk.encoders.architectures.base import Architecture
from diarspk.errors import ArgumentError
from recipes.xvector_distillation.aggregation import Aggregation, build_aggregation
from recipes.xvector_distillation.embedding_types import AGGREGATED, UTTERANCE, Kind, parse_kind
from recipes.xvector_distillation.layer_activations import (
    Activations,
    Levels,
    compute_levels,
    levels_of,
)
from recipes.xvector_distillation.settings import Settings
from recipes.zoo.evaluation import MODEL, load_run_encoder
from recipes.zoo.final_weights import FINAL, read_weights
from recipes.zoo.settings import Settings as TeacherSettings
from recipes.zoo.settings import read_settings as read_teacher_settings
from recipes.zoo.stages import SETTINGS as TEACHER_SETTINGS

__all__ = [
    "AGGREGATIONS",
    "Teacher",
    "chosen_kinds",
    "load_network",
    "load_teacher",
    "make_aggregation",
    "needed_aggregations",
    "read_training",
]

AGGREGATIONS = "aggregation"


@dataclass(frozen=True)
class Teacher:
    """Networks that are run together.

    Attributes
    ----------
    layers : tuple of str
        Frame-level layers that somebody wants.
    aggregations : dict of str to Aggregation
        By the name of the pooling.
    """

    network: Architecture
    layers: tuple[str, ...]
    aggregations: dict[str, Aggregation]

    @torch.inference_mode()
    def compute(self, features: Tensor) -> tuple[dict[str, Tensor], Activations]:
        """Embed a batch ``(batch, frames, mels)`` whose mean over time is zero.

        Returns
        -------
        (dict of str to Tensor, Activations)
            ``(batch, dim)`` of each single kind, that of a layer being the mean of its frames; and
            the frames of the layers.
        """
        wanted = {name for one in self.aggregations.values() for name in one.layers}
        activations = compute_levels(
            self.network, features, [*self.layers, *wanted - set(self.layers)]
        )
        vectors = {UTTERANCE: activations.embedding}
        for name, one in self.aggregations.items():
            vectors[name] = one.project(one.pool(one.join(activations.frames)))
        return vectors | {
            name: activations.frames[name].mean(dim=1) for name in self.layers
        }, activations


def read_training(run: Path) -> TeacherSettings:
    """Read how a teacher was trained; errors are those of :func:`load_network`."""
    if not (run / MODEL).is_file():
        raise ArgumentError(
            f"`teacher` must be a run of recipes.zoo with {MODEL}, got {run}; "
            "train one: python -m recipes.zoo.run"
        )
    trained = read_teacher_settings(run / TEACHER_SETTINGS)
    if trained.data.kind != "packed":
        raise ArgumentError(f"`teacher` must read packed features, got {trained.data.kind}")
    return trained


def load_network(settings: Settings) -> tuple[Architecture, TeacherSettings, Levels]:
    """Read the teacher, the settings of its training, and its levels.

    Raises
    ------
    ArgumentError
        If the run was not trained to its end, not on packed features, or is of an architecture
        whose levels are not known.
    """
    run = Path(settings.teacher)
    trained = read_training(run)
    return load_run_encoder(run).network, trained, levels_of(trained.architecture)


def chosen_kinds(settings: Settings, levels: Levels) -> list[Kind]:
    """Parse the kinds of the settings."""
    return [parse_kind(name, levels) for name in settings.kinds]


def make_aggregation(
    settings: Settings, network: Architecture, levels: Levels, pooling: str
) -> Aggregation:
    """Build the untrained aggregation of a pooling."""
    return build_aggregation(
        network,
        levels.aggregated,
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
    network, _, levels = load_network(settings)
    kinds = chosen_kinds(settings, levels)
    aggregations = {}
    for pooling in needed_aggregations(kinds):
        aggregations[pooling] = one = make_aggregation(settings, network, levels, pooling)
        one.load_state_dict(read_weights(run / AGGREGATIONS / pooling / FINAL))
        one.eval()
    wanted = {source for kind in kinds for source in kind.sources}
    layers = tuple(name for name in levels.layers if name in wanted)
    return Teacher(network, layers, aggregations)
