"""The trainer and the schedule that recipes share."""

from __future__ import annotations

import math
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig


def make_trainer(output: Path, *, steps: int, clip: float) -> lightning.Trainer:
    """Train on the CPU, with a log and the last checkpoint in ``output``; ``clip`` gradients."""
    return lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        logger=CSVLogger(output, name="", version=""),
        callbacks=[ModelCheckpoint(output, every_n_train_steps=250, save_last=True, save_top_k=0)],
        log_every_n_steps=20,
        gradient_clip_val=clip,
    )


def schedule_rate(
    optimizer: torch.optim.Optimizer, *, steps: int, warmup_steps: int
) -> OptimizerLRSchedulerConfig:
    """Let the learning rate rise linearly, then fall by half a cosine to a hundredth at the end."""

    def factor(step: int) -> float:
        warmup = min((step + 1) / warmup_steps, 1.0)
        fall = (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2
        return warmup * (0.01 + 0.99 * fall)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def steps_done(checkpoint: Path) -> int:
    """Optimisation steps behind a checkpoint."""
    return int(torch.load(checkpoint, "cpu", weights_only=True)["global_step"])
