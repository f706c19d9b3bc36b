"""Training of a head over the frozen rest of the model: options, conversations, and the loop."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import lightning
from torch.utils.data import IterableDataset

from recipes.embedded.data.conversations import ConversationConfig, Conversations
from recipes.embedded.data.data_module import add_data_options, read_training_data
from recipes.embedded.trunk.net2net import load_warm_start
from recipes.training.sharing import share_of_process
from recipes.training.trainer import add_training_options, make_loader, make_trainer
from recipes.training.warm_start import read_warm_start

__all__ = ["fit_head", "head_parser", "read_conversations"]


def head_parser(
    description: str | None, *, steps: int, seed: int, learning_rate: float
) -> argparse.ArgumentParser:
    """Command line that heads share; each adds its own options.

    Parameters
    ----------
    steps, seed, learning_rate
        Defaults.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_options(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    add_training_options(parser)
    parser.add_argument("--resume", type=Path, help="checkpoint of this run to go on from")
    return parser


def read_conversations(options: argparse.Namespace, config: ConversationConfig) -> Conversations:
    """Read simulated conversations of this process's share of the batches."""
    # Not in memory: the system's page cache serves the process that trains and those that draw.
    return read_training_data(options, in_memory=False).conversations(
        config,
        seed=options.seed,
        share=share_of_process(options.devices, options.resume),
    )


def fit_head(
    training: lightning.LightningModule,
    batches: IterableDataset[Any],
    options: argparse.Namespace,
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
    options
        Of :func:`head_parser`.
    warm_start
        Checkpoint or card of a head whose weights training begins with.
    """
    if warm_start is not None:
        load_warm_start(training, read_warm_start(warm_start, part="", name="head."))
    trainer = make_trainer(
        options.output,
        steps=options.steps,
        clip=1.0,
        precision=options.precision,
        devices=options.devices,
        average=options.average,
    )
    trainer.fit(training, make_loader(batches, options.workers), ckpt_path=options.resume)
    trainer.save_checkpoint(options.output / "final.ckpt")
