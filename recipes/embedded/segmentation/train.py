"""Train the segmentation head further on simulated conversations, over the frozen trunk.

    python -m recipes.embedded.segmentation.train --packed PACKED \
        --speakers DATA/speech/train.tsv --annotations DATA/conversations/annotations \
        --encoder RUN/final.ckpt --output RUN_SEGMENTATION --steps 3000 --learning-rate 5e-4 \
        [--optimizer muon --precision bf16-mixed --devices 2]

Such a step costs a third of one of :mod:`recipes.embedded.trunk.train`. The head goes on from the
encoder's checkpoint, or from that of an earlier run (``--start RUN_SEGMENTATION/last.ckpt``),
unless ``--fresh``. Nobody talks in more of the windows than there: what a head takes for speech in
a nearly silent recording counts for little in its loss and for much in that recording.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from diarspk.encoders.local.trunk import LocalTrunk
from diarspk.segmentation.segmentation_head import SegmentationHead
from eval.command_line import command, exclusive
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.head_training import HeadSettings, fit_head, read_conversations
from recipes.embedded.trunk.export import read_network, read_segmentation_head
from recipes.embedded.trunk.objectives import segmentation_loss
from recipes.training.trainer import OptimizationConfig, schedule_steps


class SegmentationTraining(lightning.LightningModule):
    """Optimisation steps of the segmentation head alone."""

    def __init__(
        self,
        trunk: LocalTrunk,
        head: SegmentationHead,
        train: OptimizationConfig,
    ) -> None:
        super().__init__()
        self.save_hyperparameters({"head": asdict(head.config), "train": asdict(train)})
        self.config = train
        self.trunk = [trunk.eval().requires_grad_(False)]  # in a list: not saved, not trained
        self.head = head

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        with torch.no_grad():
            frames = self.trunk[0](batch["features"])
        loss, error = segmentation_loss(self.head.powerset, self.head(frames), batch["activity"])
        self.log_dict({"loss": loss, "frame_error": error}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self.head, ("layers.",), self.config)


BEGINNING = exclusive(required=False)


@dataclass(frozen=True)
class SegmentationTrainConfig(OptimizationConfig):
    """Training settings of the segmentation head, stored in the checkpoint."""

    steps: int = 3000
    learning_rate: float = 5e-4


@dataclass(frozen=True)
class Settings:
    head: HeadSettings
    train: SegmentationTrainConfig
    encoder: Path
    """Checkpoint of recipes.embedded.trunk.train."""
    seed: int = 1
    """Seed of the weights and the conversations."""
    start: Annotated[Path | None, BEGINNING] = None
    """Checkpoint of another head to begin with."""
    fresh: Annotated[bool, BEGINNING] = False
    """Begin with a new head."""


@command
def main(settings: Settings) -> None:
    lightning.seed_everything(settings.seed)
    network = read_network(settings.encoder)
    head = read_segmentation_head(settings.start or settings.encoder)
    if settings.fresh:
        head = SegmentationHead(head.config)
    config = ConversationConfig(windows_per_batch=12, empty_probability=0.2)
    conversations = read_conversations(settings.head, config, seed=settings.seed)
    training = SegmentationTraining(network.trunk, head.train(), settings.train)
    fit_head(training, conversations, settings.head, settings.train)


if __name__ == "__main__":
    raise SystemExit(main())
