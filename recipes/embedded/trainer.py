"""The trainer that both parts of the model share."""

from __future__ import annotations

from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger


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


def steps_done(checkpoint: Path) -> int:
    """Optimisation steps behind a checkpoint."""
    return int(torch.load(checkpoint, "cpu", weights_only=True)["global_step"])
