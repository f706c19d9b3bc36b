"""The network and its loss in Lightning's loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diarspk.atomic import atomic_path
from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.registry import ARCHITECTURES, build_architecture
from diarspk.encoders.losses import (
    AngularMarginSoftmax,
    GeneralizedEndToEnd,
    MarginSchedule,
    Softmax,
    SubcentreAngularMarginSoftmax,
)
from diarspk.features.log_mel import FeatureConfig, mean_normalize
from recipes.training.averaging import average_weights
from recipes.zoo.settings import Phase, Settings
from recipes.zoo.sources import BatchSource, NumberedBatches, open_source

__all__ = [
    "FINAL",
    "SpeakerTraining",
    "build_network",
    "configure_optimizer",
    "fit",
    "fit_module",
    "input_features",
    "read_weights",
]

FINAL = "averaged.ckpt"
LAST = "last.ckpt"


def input_features(settings: Settings) -> FeatureConfig | None:
    """Choose the input of a network: log-mel bins, as many as published, or the waveform.

    The published windows and scales are left aside: the mean over time, which is taken off, holds
    a scale anyway.
    """
    published = ARCHITECTURES[settings.architecture].features
    return None if published is None else FeatureConfig(mels=published.mels)


def build_network(settings: Settings) -> Architecture:
    """Build the network of a run with the weights of its seed."""
    features = input_features(settings)
    return build_architecture(
        settings.architecture,
        dimension=settings.dimension,
        pooling=settings.pooling,
        mels=None if features is None else features.mels,
        seed=settings.seed,
    )


def build_loss(settings: Settings, dimension: int, classes: int) -> nn.Module:
    """Build the loss of a run; one without margin has no attribute ``margin``."""
    if settings.loss == "ge2e":
        return GeneralizedEndToEnd()
    if settings.loss == "softmax":
        return Softmax(dimension, classes)
    if settings.loss == "subcentre":
        return SubcentreAngularMarginSoftmax(dimension, classes, scale=settings.scale)
    return AngularMarginSoftmax(dimension, classes, scale=settings.scale)


class SpeakerTraining(lightning.LightningModule):
    """A network, its loss, and how they are trained in one phase.

    The network is that of the settings, unless another one is given.
    """

    def __init__(
        self, settings: Settings, phase: Phase, classes: int, network: Architecture | None = None
    ) -> None:
        super().__init__()
        self.settings, self.phase = settings, phase
        self.network = build_network(settings) if network is None else network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.criterion = build_loss(settings, self.network.dimension, classes)
        steps = phase.steps
        self.margin = MarginSchedule(
            phase.margin_from * steps, phase.margin_to * steps, phase.initial_margin, phase.margin
        )

    def training_step(self, batch: dict[str, Tensor], batch_number: int) -> Tensor:
        # Dropout of a step is the same whether or not the run was interrupted before it.
        torch.manual_seed(hash((self.settings.seed, self.global_step, self.global_rank)) % 2**63)
        features = batch["features"]
        if features.dim() == 3:
            features = mean_normalize(features)
        if isinstance(self.criterion, AngularMarginSoftmax | SubcentreAngularMarginSoftmax):
            self.criterion.margin = self.margin.margin(self.global_step)
        loss: Tensor = self.criterion(self.network(features), batch["label"])
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self, self.phase)


def configure_optimizer(module: nn.Module, phase: Phase) -> OptimizerLRSchedulerConfig:
    """Make the optimizer of a phase, whose learning rate rises, then falls exponentially."""
    options: dict[str, Any] = {"lr": phase.learning_rate, "weight_decay": phase.weight_decay}
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer: torch.optim.Optimizer
    if phase.optimizer == "sgd":
        optimizer = torch.optim.SGD(trained, momentum=0.9, nesterov=True, **options)
    else:
        optimizer = torch.optim.AdamW(trained, **options)
    fall = phase.final_learning_rate / phase.learning_rate

    def factor(step: int) -> float:
        return float(min((step + 1) / phase.warmup_steps, 1.0) * fall ** (step / phase.steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Batches(lightning.LightningDataModule):
    """The numbered batches of a phase from some step on, shared out among processes."""

    def __init__(self, source: BatchSource, seed: int, first: int, workers: int) -> None:
        super().__init__()
        self.source, self.seed, self.first, self.workers = source, seed, first, workers

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        assert self.trainer is not None
        data = NumberedBatches(
            self.source,
            self.seed,
            first=self.first,
            rank=self.trainer.global_rank,
            world=self.trainer.world_size,
        )
        return DataLoader(data, batch_size=None, num_workers=self.workers)


def fit(
    settings: Settings,
    name: str,
    folder: Path,
    *,
    start: Path | None = None,
    stop_at: int | None = None,
    accelerator: str = "auto",
    devices: int = 1,
) -> None:
    """Train a phase, or go on with it where it was interrupted, and average its last checkpoints.

    Parameters
    ----------
    folder
        Checkpoints and the log go here.
    start
        Checkpoint whose weights to begin with.
    stop_at
        Stop after so many steps, as an interruption would; for tests.
    devices
        More than one: data parallel, each with batches of its own.
    """
    phase = settings.phase(name)
    source = open_source(settings, phase, input_features(settings))
    training = SpeakerTraining(settings, phase, source.classes)
    if start is not None:
        training.load_state_dict(torch.load(start, "cpu", weights_only=True)["state_dict"])
    fit_module(
        training,
        source,
        phase,
        folder,
        seed=settings.seed + (0 if name == "train" else 1),
        workers=settings.workers,
        stop_at=stop_at,
        accelerator=accelerator,
        devices=devices,
    )


def fit_module(
    training: lightning.LightningModule,
    source: BatchSource,
    phase: Phase,
    folder: Path,
    *,
    seed: int,
    workers: int = 0,
    stop_at: int | None = None,
    accelerator: str = "auto",
    devices: int = 1,
) -> None:
    """Train a module on numbered batches, or go on with it; see :func:`fit`."""
    resumed = folder / LAST if (folder / LAST).is_file() else None
    first = 0
    if resumed is not None:
        first = int(torch.load(resumed, "cpu", weights_only=True)["global_step"])
    trainer = _make_trainer(folder, phase, stop_at, accelerator, devices)
    batches = Batches(source, seed, first, workers)
    trainer.fit(training, batches, ckpt_path=None if resumed is None else str(resumed))
    trainer.save_checkpoint(folder / LAST)
    if trainer.is_global_zero and trainer.global_step >= phase.steps:
        stored = sorted(folder.glob("step=*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
        average_checkpoints(stored[-phase.keep :] or [folder / LAST], folder / FINAL)


def _make_trainer(
    folder: Path, phase: Phase, stop_at: int | None, accelerator: str, devices: int
) -> lightning.Trainer:
    checkpoints = ModelCheckpoint(
        folder,
        filename="{step}",
        monitor="step",
        mode="max",
        save_top_k=phase.keep,
        save_last=True,
        every_n_train_steps=phase.keep_every,
        enable_version_counter=False,  # a resumed run goes on with the same files
    )
    return lightning.Trainer(
        accelerator=accelerator,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        max_steps=min(phase.steps, stop_at or phase.steps),
        logger=CSVLogger(folder, name="", version=""),
        callbacks=[checkpoints],
        log_every_n_steps=10,
        gradient_clip_val=5.0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def average_checkpoints(paths: list[Path], target: Path) -> None:
    """Average the weights of checkpoints; what counts steps comes from the last."""
    average: dict[str, Tensor] = {}
    for number, path in enumerate(paths, start=1):
        state = torch.load(path, "cpu", weights_only=True)["state_dict"]
        average = average_weights(state, average, 1 - 1 / number)
    with atomic_path(target) as part:
        torch.save({"state_dict": average}, part)


def read_weights(checkpoint: Path, prefix: str = "network.") -> dict[str, Tensor]:
    """Weights of one part of what was trained, by their names in that part."""
    state = torch.load(checkpoint, "cpu", weights_only=True)["state_dict"]
    return drop_prefix(state, prefix)
