"""The network and its loss in Lightning's loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diarspk.atomic import atomic_path
from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.losses import (
    AngularMarginSoftmax,
    GeneralizedEndToEnd,
    MarginSchedule,
    Softmax,
    SubcentreAngularMarginSoftmax,
)
from diarspk.features.log_mel import mean_normalize
from eval.report.run_record import write_json
from recipes.training.averaging import average_weights
from recipes.zoo.held_out import HeldOut, embed_crops, pair_error_rate, validation_error
from recipes.zoo.network import build_network, input_features, keep_frames, tune_front_end
from recipes.zoo.optimizer import configure_optimizer
from recipes.zoo.settings import Phase, Precision, Settings
from recipes.zoo.sources import BatchSource, NumberedBatches, open_held_out, open_source

__all__ = [
    "BEST",
    "FINAL",
    "VALIDATION",
    "Hardware",
    "SpeakerTraining",
    "fit",
    "fit_module",
    "read_weights",
]

FINAL = "final.ckpt"
LAST = "last.ckpt"
BEST = "best.ckpt"
VALIDATION = "validation.json"
ERROR = "validation_eer"


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

    The network is that of the settings, unless another one is given. It is validated on the
    crops of ``held_out``, if there are any.
    """

    def __init__(
        self,
        settings: Settings,
        phase: Phase,
        classes: int,
        network: Architecture | None = None,
        held_out: HeldOut | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.phase, self.held_out = settings, phase, held_out
        self.network = build_network(settings) if network is None else network
        tune_front_end(self.network, phase)
        keep_frames(self.network, settings.front_end)
        self.embedded: list[Tensor] = []
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

    def validation_step(self, crops: Tensor, batch_number: int) -> None:
        self.embedded.append(embed_crops(self.network, crops))

    def on_validation_epoch_end(self) -> None:
        assert self.held_out is not None
        error = pair_error_rate(torch.cat(self.embedded), self.held_out.speakers)
        self.embedded.clear()
        # Every process has embedded all crops; they agree but for the order of additions.
        self.log(ERROR, torch.tensor(error, device=self.device), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self, self.phase)


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
            _keep_better(training, held_out, folder)
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


def _keep_better(training: SpeakerTraining, held_out: HeldOut, folder: Path) -> None:
    """Replace the mean of the last checkpoints by the best one, if the mean is worse."""
    network = training.network.cpu()
    errors = {}
    for name in (FINAL, BEST):
        if (folder / name).is_file():
            network.load_state_dict(read_weights(folder / name))
            errors[name] = validation_error(network, held_out)
    kept = min(errors, key=lambda name: (errors[name], name != FINAL))
    if kept != FINAL:
        state = torch.load(folder / kept, "cpu", weights_only=True)["state_dict"]
        with atomic_path(folder / FINAL) as part:
            torch.save({"state_dict": state}, part)
    found = {
        "mean_of_last": errors[FINAL],
        "best": errors.get(BEST),
        "kept": "mean of the last" if kept == FINAL else "best",
        "speakers": len(set(held_out.speakers)),
        "crops": len(held_out.crops),
    }
    write_json(found, folder / VALIDATION)
    print(
        f"held-out speakers: EER {100 * errors[FINAL]:.2f} % of the mean of the last checkpoints, "
        f"{100 * errors.get(BEST, errors[FINAL]):.2f} % of the best; kept: {found['kept']}",
        flush=True,
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
