"""The trainer and the schedule that recipes share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from recipes.training.optimizer import Optimizer, make_optimizer, split_parameters

__all__ = [
    "OptimizationConfig",
    "Precision",
    "ProcessSettings",
    "make_loader",
    "make_trainer",
    "schedule_rate",
    "schedule_steps",
    "steps_done",
]

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class OptimizationConfig:
    """Optimisation settings, to which recipes add their own; they are stored in the checkpoint."""

    steps: int
    """Number of steps."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    optimizer: Optimizer = "adamw"
    """Optimizer of the hidden matrices; all else is AdamW's."""
    warmup_steps: int = 100
    """Steps in which the learning rate rises."""
    weight_decay: float = 0.01
    """Weight decay."""
    average: float | None = None
    """Decay of a running mean of the weights, such as 0.999."""
    decay_steps: int | None = None
    """Last steps, in which a constant rate falls; none: half a cosine over all steps."""


@dataclass(frozen=True)
class ProcessSettings:
    """Processes that train, and how they compute."""

    precision: Precision = "32-true"
    """Precision of matrix products: bf16-mixed where it is fast."""
    devices: int = 1
    """Processes, or accelerators, that step together."""
    workers: int = 1
    """Processes that draw batches; 0: none of their own."""


def make_loader(batches: IterableDataset[Any], workers: int) -> DataLoader[Any]:
    """Load batches that a data set draws whole.

    Parameters
    ----------
    workers
        Processes that draw them, beside those that train; 0 draws them where training runs.
    """
    ahead = 4 if workers else None
    return DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=ahead)


def make_trainer(
    output: Path,
    *,
    steps: int,
    clip: float,
    accelerator: str = "cpu",
    precision: Precision = "32-true",
    devices: int = 1,
    save_every: int = 250,
    validate_every: int | None = None,
    average: float | None = None,
) -> lightning.Trainer:
    """Train with a log and the last checkpoint in ``output``.

    Parameters
    ----------
    clip
        Largest norm of a step's gradient.
    devices
        Processes, or accelerators, that step together.
    save_every, validate_every
        Steps between checkpoints, and between validations where there is data for them.
    average
        Decay of an exponential mean of the weights, a step at a time. It is validated, and is the
        ``state_dict`` of checkpoints, in the place of the weights that are trained.
    """
    callbacks: list[Callback] = [
        ModelCheckpoint(output, every_n_train_steps=save_every, save_last=True, save_top_k=0)
    ]
    if average is not None:
        callbacks.append(EMAWeightAveraging(decay=average))
    return lightning.Trainer(
        accelerator=accelerator,
        devices=devices,
        # a batch whose cue has one level only leaves the parameters of the other one out
        strategy=DDPStrategy(find_unused_parameters=True) if devices > 1 else "auto",
        max_steps=steps,
        precision=precision,
        logger=CSVLogger(output, name="", version=""),
        callbacks=callbacks,
        log_every_n_steps=20,
        val_check_interval=validate_every,
        check_val_every_n_epoch=None if validate_every else 1,
        num_sanity_val_steps=0,
        gradient_clip_val=clip,
    )


def schedule_steps(
    module: nn.Module, hidden: tuple[str, ...], config: OptimizationConfig
) -> OptimizerLRSchedulerConfig:
    """Optimize all parameters of a module at one scheduled rate.

    ``hidden`` are what the names of its hidden matrices begin with, which Muon may take.
    """
    matrices, others = split_parameters(module, hidden)
    optimizer = make_optimizer(
        config.optimizer,
        matrices,
        [{"params": others}],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )
    return schedule_rate(
        optimizer,
        steps=config.steps,
        warmup_steps=config.warmup_steps,
        decay_steps=config.decay_steps,
    )


def schedule_rate(
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    warmup_steps: int,
    decay_steps: int | None = None,
) -> OptimizerLRSchedulerConfig:
    """Let the learning rate rise linearly, then fall by half a cosine to a hundredth at the end.

    With ``decay_steps`` it stays constant in between, and falls linearly in the last so many (Hu et
    al. 2024, "MiniCPM", section 4: warmup, stable, decay). The number of steps may then be left
    open: any checkpoint of the constant part can be resumed with the steps at which to end.
    """

    def factor(step: int) -> float:
        warmup = min((step + 1) / warmup_steps, 1.0)
        if decay_steps is not None:
            return warmup * min(max((steps - step) / decay_steps, 0.01), 1.0)
        fall = (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2
        return warmup * (0.01 + 0.99 * fall)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def steps_done(checkpoint: Path) -> int:
    """Optimisation steps behind a checkpoint."""
    return int(torch.load(checkpoint, "cpu", weights_only=True)["global_step"])
