"""A student, and the batches of targets that it learns, in Lightning's loop."""

from __future__ import annotations

from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor, nn

from recipes.embedded.data.pool import Pool
from recipes.xvector_distillation.crops import Crops, frame_places
from recipes.xvector_distillation.embedding_types import Kind
from recipes.xvector_distillation.settings import Settings
from recipes.xvector_distillation.students import Student, StudentConfig, build_student
from recipes.xvector_distillation.targets import Targets
from recipes.zoo.final_weights import FINAL, read_weights
from recipes.zoo.optimizer import configure_optimizer
from recipes.zoo.settings import Phase
from recipes.zoo.sources import BatchSource
from recipes.zoo.training import Hardware, fit_module

__all__ = [
    "Distillation",
    "FrameTargets",
    "UtteranceTargets",
    "fit_student",
    "load_student",
    "make_student",
]


class UtteranceTargets:
    """Whole crops, and what the teacher says of each."""

    def __init__(
        self, pool: Pool, crops: Crops, targets: NDArray[np.float32], *, size: int
    ) -> None:
        self.pool, self.crops, self.targets, self.size = pool, crops, targets, size

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw ``features (batch, frames, mels)`` and ``target (batch, dim)``."""
        chosen = generator.integers(len(self.targets), size=self.size)
        return {
            "features": torch.from_numpy(self.crops.features(self.pool, chosen)),
            "target": torch.from_numpy(self.targets[chosen]),
        }


class FrameTargets:
    """Windows around frames of crops, and what a layer of the teacher says of each frame."""

    def __init__(
        self,
        pool: Pool,
        crops: Crops,
        targets: NDArray[np.float16],
        *,
        size: int,
        context: int,
        stride: int = 1,
        mean: NDArray[np.float32] | float = 0.0,
    ) -> None:
        self.mean = mean
        self.pool, self.crops, self.targets, self.size = pool, crops, targets, size
        self.window = 2 * context + 1
        self.places = frame_places(crops.frames, context, targets.shape[1], stride)

    def batch(self, generator: np.random.Generator) -> dict[str, Tensor]:
        """Draw ``features (batch * places, window, mels)`` and ``target (batch * places, dim)``."""
        chosen = generator.integers(len(self.targets), size=self.size)
        features = self.crops.features(self.pool, chosen)
        # (batch, starts, mels, window)
        windows = sliding_window_view(features, self.window, axis=1)
        centred = windows[:, self.places - self.window // 2].swapaxes(2, 3)
        target = self.targets[chosen].astype(np.float32) - np.asarray(self.mean, np.float32)
        return {
            "features": torch.from_numpy(centred.reshape(-1, *centred.shape[2:])),
            "target": torch.from_numpy(target.reshape(-1, target.shape[-1])),
        }


class Distillation(lightning.LightningModule):
    """A student trained towards the normalised embeddings of the teacher."""

    def __init__(self, network: Student, phase: Phase) -> None:
        super().__init__()
        self.network, self.phase = network, phase

    def training_step(self, batch: dict[str, Tensor], batch_number: int) -> Tensor:
        cosine = nn.functional.cosine_similarity(
            self.network(batch["features"]), batch["target"], dim=-1
        )
        loss = 1 - cosine.mean()
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self, self.phase)


def open_targets(settings: Settings, kind: Kind, targets: Targets, pool: Pool) -> BatchSource:
    """Batches of a kind: of frames where it is a single layer, otherwise of crops."""
    size = settings.students.crops
    if kind.layer is None:
        return UtteranceTargets(pool, targets.crops, targets.of_crops(kind), size=size)
    frames = targets.of_frames(kind.layer)
    return FrameTargets(
        pool,
        targets.crops,
        frames,
        size=size,
        context=settings.context,
        stride=targets.stride,
        mean=frames.mean(axis=(0, 1), dtype=np.float32),
    )


def make_student(settings: Settings, kind: Kind, dimension: int) -> Student:
    """Build the untrained student of a kind."""
    config = StudentConfig(
        dimension,
        utterance_level=kind.layer is None,
        context=settings.context,
        width=settings.width,
    )
    return build_student(config, seed=settings.seed)


def fit_student(
    settings: Settings,
    kind: Kind,
    targets: Targets,
    pool: Pool,
    folder: Path,
    *,
    stop_at: int | None = None,
    accelerator: str = "auto",
) -> None:
    """Train the student of a kind, or go on; see :func:`recipes.zoo.training.fit`."""
    student = make_student(settings, kind, targets.dimension(kind))
    fit_module(
        Distillation(student, settings.students),
        open_targets(settings, kind, targets, pool),
        settings.students,
        folder,
        seed=settings.seed,
        workers=settings.workers,
        stop_at=stop_at,
        hardware=Hardware(accelerator, precision=settings.precision),
    )


def load_student(settings: Settings, kind: Kind, dimension: int, folder: Path) -> Student:
    """Read what :func:`fit_student` has trained."""
    student = make_student(settings, kind, dimension)
    student.load_state_dict(read_weights(folder / FINAL))
    return student.requires_grad_(False).eval()
