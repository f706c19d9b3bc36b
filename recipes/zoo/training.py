"""A phase in Lightning's loop: its batches, its checkpoints, and where it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor
from torch.utils.data import DataLoader

from recipes.zoo.final_weights import BEST, FINAL, LAST, average_checkpoints, keep_better
from recipes.zoo.held_out import HeldOut
from recipes.zoo.network import input_features
from recipes.zoo.settings import Phase, Precision, Settings
from recipes.zoo.sources import BatchSource, NumberedBatches, open_held_out, open_source
from recipes.zoo.speaker_training import ERROR, SpeakerTraining

__all__ = ["Hardware", "fit", "fit_module"]


@dataclass(frozen=True)
class Hardware:
    """Where and how a phase is trained.

    Attributes
    ----------
    accelerator : {"auto", "cpu", "gpu"}
    devices, nodes : int
        Devices of a machine, and machines; data parallel, each process with batches of its own.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: Precision = "32-true"


def fit(
    settings: Settings,
    name: str,
    folder: Path,
    *,
    start: Path | None = None,
    stop_at: int | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
) -> None:
    """Train a phase, or go on with it where it was interrupted, and choose its final weights.

    They are the mean of its last checkpoints; or, where speakers are held out, the checkpoint with
    the lowest error on them, if that is lower than the mean's.

    Parameters
    ----------
    folder
        Checkpoints and the log go here.
    start
        Checkpoint whose weights to begin with.
    stop_at
        Stop after so many steps, as an interruption would; for tests.
    accelerator, devices, nodes
        See :class:`Hardware`.
    """
    phase, features = settings.phase(name), input_features(settings)
    source, held_out = open_source(settings, phase, features), open_held_out(settings, features)
    training = SpeakerTraining(settings, phase, source.classes, held_out=held_out)
    if start is not None:
        training.load_state_dict(torch.load(start, "cpu", weights_only=True)["state_dict"])
    fit_module(
        training,
        source,
        phase,
        folder,
        seed=settings.seed + list(settings.phases).index(name),
        workers=settings.workers,
        stop_at=stop_at,
        hardware=Hardware(accelerator, devices, nodes, settings.precision),
        held_out=held_out,
        validate_every=settings.validation.every,
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
    hardware: Hardware | None = None,
    held_out: HeldOut | None = None,
    validate_every: int = 1000,
) -> None:
    """Train a module on numbered batches, or go on with it; see :func:`fit`.

    One that is validated is a :class:`SpeakerTraining`.
    """
    resumed = folder / LAST if (folder / LAST).is_file() else None
    first = 0
    if resumed is not None:
        first = int(torch.load(resumed, "cpu", weights_only=True)["global_step"])
    validate = min(validate_every, phase.steps) if held_out is not None else None
    trainer = _make_trainer(folder, phase, stop_at, hardware or Hardware(), validate)
    batches = Batches(source, seed, first, workers, held_out)
    trainer.fit(training, batches, ckpt_path=None if resumed is None else str(resumed))
    trainer.save_checkpoint(folder / LAST)
    if trainer.is_global_zero and trainer.global_step >= phase.steps:
        stored = sorted(folder.glob("step=*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
        average_checkpoints(stored[-phase.keep :] or [folder / LAST], folder / FINAL)
        if held_out is not None and isinstance(training, SpeakerTraining):
            keep_better(training.network, held_out, folder)
    trainer.strategy.barrier()  # the next phase begins with what the first process has written


def _make_trainer(
    folder: Path, phase: Phase, stop_at: int | None, hardware: Hardware, validate: int | None
) -> lightning.Trainer:
    callbacks: list[Callback] = [
        ModelCheckpoint(
            folder,
            filename="{step}",
            monitor="step",
            mode="max",
            save_top_k=phase.keep,
            save_last=True,
            every_n_train_steps=phase.keep_every,
            enable_version_counter=False,  # a resumed run goes on with the same files
        )
    ]
    if validate is not None:
        best = Path(BEST).stem
        callbacks.append(
            ModelCheckpoint(folder, filename=best, monitor=ERROR, enable_version_counter=False)
        )
    together = hardware.devices * hardware.nodes > 1
    # A front end has parameters that no embedding needs, such as the vector of masked frames.
    strategy = DDPStrategy(find_unused_parameters=True) if together else "auto"
    return lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        precision=hardware.precision,
        strategy=strategy,
        use_distributed_sampler=False,  # held-out crops are compared with each other
        max_steps=min(phase.steps, stop_at or phase.steps),
        logger=CSVLogger(folder, name="", version=""),
        callbacks=callbacks,
        val_check_interval=validate,
        check_val_every_n_epoch=None if validate else 1,
        limit_val_batches=1.0 if validate else 0,
        num_sanity_val_steps=0,
        log_every_n_steps=min(10, phase.steps),
        gradient_clip_val=5.0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class Batches(lightning.LightningDataModule):
    """The numbered batches of a phase from some step on, shared out among processes."""

    def __init__(
        self,
        source: BatchSource,
        seed: int,
        first: int,
        workers: int,
        held_out: HeldOut | None = None,
    ) -> None:
        super().__init__()
        self.source, self.seed, self.first, self.workers = source, seed, first, workers
        self.held_out = held_out

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

    def val_dataloader(self) -> DataLoader[Tensor] | list[Any]:
        if self.held_out is None:
            return []
        return DataLoader(self.held_out, batch_size=None)
