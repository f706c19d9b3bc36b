"""Options that the recipe has in common with others that run its stages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from diarspk.encoders import ARCHITECTURES
from diarspk.encoders.architectures.pooling import POOLINGS
from diarspk.errors import ArgumentError
from eval.command_line import Positional, one_of, option
from recipes.zoo.settings import FrontEndSettings, Loss, Phase, Precision, Settings, Validation
from recipes.zoo.stages import SETTINGS, STAGES

__all__ = ["FrontEndOptions", "NetworkOptions", "StageSettings", "ValidationOptions"]


@dataclass(frozen=True)
class StageSettings:
    """Stages of a run."""

    run: Positional[Path]
    """Folder of the run."""
    first: Annotated[str, one_of(STAGES), option(name="from")] = "train"
    """First stage."""
    last: Annotated[str, one_of(STAGES), option(name="to")] = "report"
    """Last stage."""
    accelerator: Annotated[str, one_of(("auto", "cpu", "gpu"))] = "auto"
    """Where networks are trained."""
    devices: int = 1
    """Number of devices of each machine, data parallel."""
    nodes: int = 1
    """Number of machines; start the command on each, with MASTER_ADDR, MASTER_PORT, NODE_RANK."""
    limit: int | None = None
    """Dry run of a new folder: so many steps of each phase, and a small test."""

    def __post_init__(self) -> None:
        if min(self.devices, self.nodes, 1 if self.limit is None else self.limit) < 1:
            raise ArgumentError("--devices, --nodes and --limit must be 1 or more")

    @property
    def is_new(self) -> bool:
        """Whether the folder holds no settings yet."""
        return not (self.run / SETTINGS).is_file()

    @property
    def is_tested(self) -> bool:
        """Whether the stages go on to the test."""
        names = list(STAGES)
        return names.index(self.last) > names.index("average")

    @property
    def processes(self) -> int:
        """Processes that train together."""
        return self.devices * self.nodes


@dataclass(frozen=True)
class NetworkOptions:
    """What is trained."""

    architecture: Annotated[str, one_of(ARCHITECTURES)] = "resnet34"
    """Architecture of the encoder."""
    loss: Loss = "aam"
    """Loss of the classification."""
    pooling: Annotated[str | None, one_of(POOLINGS)] = None
    """Pooling; none: the architecture's own."""
    dimension: int | None = None
    """Dimension of the embeddings; none: the architecture's own."""
    weights: str = ""
    """Encoder of this architecture to begin with, as --encoder takes it, with its front end."""
    precision: Precision = "32-true"
    """Precision of matrix products in training."""
    workers: int = 2
    """Processes that draw batches."""
    seed: int = 0
    """Seed of the weights and the batches."""

    def apply(self, settings: Settings) -> Settings:
        """Put them into the settings of a run."""
        return replace(
            settings,
            architecture=self.architecture,
            loss=self.loss,
            pooling=self.pooling,
            dimension=self.dimension,
            weights=self.weights,
            precision=self.precision,
            workers=self.workers,
            seed=self.seed,
        )


@dataclass(frozen=True)
class FrontEndOptions:
    """Self-supervised front end below the architecture."""

    front_end: str = ""
    """wavlm_local=FILE, s3prl:NAME, hf:OWNER/NAME@COMMIT or hf:FOLDER; none: as published."""
    front_end_layer: int | None = None
    """Its only layer that is used; none: a learned sum of all."""
    tune_steps: int = 0
    """Steps in which it is tuned, after those in which it is frozen; 0: it stays frozen."""
    front_end_rate: float = 0.5
    """Learning rate of its last layer when tuned, as a share of the encoder's."""
    layer_decay: float = 0.9
    """Learning rate of each layer, as a share of that of the layer above."""
    cache: str = ""
    """Folder for its frames while it is frozen."""
    cache_gigabytes: float = 20.0
    """Limit of that folder; the longest unused frames are removed."""
    views: int | None = None
    """Fixed crops of an utterance, so that the cache finds them; none: 4 with a cache, else any."""

    def __post_init__(self) -> None:
        if self.tune_steps < 0 or not self.front_end_rate > 0 or not 0 < self.layer_decay <= 1:
            raise ArgumentError(
                "--tune-steps must be 0 or more, --front-end-rate above 0 and --layer-decay above "
                f"0 and at most 1, got {self.tune_steps}, {self.front_end_rate}, {self.layer_decay}"
            )

    def apply(self, settings: Settings) -> Settings:
        """Put them into the settings of a run.

        Raises
        ------
        ArgumentError
            If there are two front ends, or none to tune.
        """
        if not self.front_end and not settings.weights:
            if self.tune_steps or self.cache or self.front_end_layer is not None:
                raise ArgumentError("--tune-steps, --cache and --front-end-layer need --front-end")
            return settings
        if self.front_end and settings.weights:
            raise ArgumentError("--weights brings its own front end; leave --front-end out")
        named = FrontEndSettings(
            self.front_end,
            layer=self.front_end_layer,
            cache=self.cache,
            cache_gigabytes=self.cache_gigabytes,
        )
        views = (4 if self.cache else 0) if self.views is None else self.views
        settings = replace(settings, front_end=named, train=replace(settings.train, views=views))
        if not self.tune_steps:
            return settings
        return replace(
            settings,
            tune=self._tune(settings.train),
            large_margin=self._tuned(settings.large_margin),
        )

    def _tuned(self, phase: Phase) -> Phase:
        return replace(phase, front_end_rate=self.front_end_rate, layer_decay=self.layer_decay)

    def _tune(self, train: Phase) -> Phase:
        """Joint phase: ESPnet's joint training has Adam with rates of 5e-5 to 5e-6."""
        phase = replace(
            train,
            steps=self.tune_steps,
            optimizer="adamw",
            learning_rate=1e-4,
            final_learning_rate=1e-5,
            warmup_steps=max(self.tune_steps // 10, 1),
            initial_margin=train.margin,
            keep_every=max(self.tune_steps // (2 * train.keep), 1),
            views=0,
        )
        return self._tuned(phase)


@dataclass(frozen=True)
class ValidationOptions:
    """Validation in the course of training."""

    held_out: int = 0
    """Training speakers that are held out; the best checkpoint on them is kept, and QMF fitted."""
    validate_every: int = 1000
    """Steps from one validation to the next."""

    def __post_init__(self) -> None:
        if self.held_out < 0 or self.validate_every < 1:
            raise ArgumentError("--held-out must be 0 or more, --validate-every 1 or more")

    def apply(self, settings: Settings) -> Settings:
        """Put them into the settings of a run."""
        validation = Validation(self.held_out, every=self.validate_every)
        return replace(settings, validation=validation)
