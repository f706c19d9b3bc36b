"""Training of a head over the frozen rest of the model: settings, conversations, and the loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from torch.utils.data import IterableDataset

from recipes.embedded.data.conversations import ConversationConfig, Conversations
from recipes.embedded.data.data_module import DataSettings, read_training_data
from recipes.embedded.trunk.net2net import load_warm_start
from recipes.training.sharing import share_of_process
from recipes.training.trainer import OptimizationConfig, ProcessSettings, make_loader, make_trainer
from recipes.training.warm_start import read_warm_start

__all__ = ["HeadSettings", "fit_head", "read_conversations"]


@dataclass(frozen=True)
class HeadSettings:
    """Run over the frozen rest of the model."""

    data: DataSettings
    processes: ProcessSettings
    output: Path
    """Folder of the checkpoints."""
    resume: Path | None = None
    """Checkpoint of this run to go on from."""


def read_conversations(
    head: HeadSettings, config: ConversationConfig, *, seed: int
) -> Conversations:
    """Read simulated conversations of this process's share of the batches."""
    # Not in memory: the system's page cache serves the process that trains and those that draw.
    return read_training_data(head.data, in_memory=False).conversations(
        config,
        seed=seed,
        share=share_of_process(head.processes.devices, head.resume),
    )


def fit_head(
    training: lightning.LightningModule,
    batches: IterableDataset[Any],
    head: HeadSettings,
    train: OptimizationConfig,
    *,
    warm_start: Path | None = None,
) -> None:
    """Train a head, and write ``last.ckpt`` on the way and ``final.ckpt`` at the end.

    Parameters
    ----------
    training
        The module, whose head is called ``head``.
    batches
        What it is trained on.
    head, train
        Settings of the run and of the optimisation.
    warm_start
        Checkpoint or card of a head whose weights training begins with.
    """
    if warm_start is not None:
        load_warm_start(training, read_warm_start(warm_start, part="", name="head."))
    trainer = make_trainer(
        head.output,
        steps=train.steps,
        clip=1.0,
        precision=head.processes.precision,
        devices=head.processes.devices,
        average=train.average,
    )
    trainer.fit(training, make_loader(batches, head.processes.workers), ckpt_path=head.resume)
    trainer.save_checkpoint(head.output / "final.ckpt")
