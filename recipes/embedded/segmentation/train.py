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

from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from diarspk.encoders.local.trunk import LocalTrunk
from diarspk.segmentation.segmentation_head import SegmentationHead
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.head_training import fit_head, head_parser, read_conversations
from recipes.embedded.trunk.export import read_network, read_segmentation_head
from recipes.embedded.trunk.objectives import segmentation_loss
from recipes.training.trainer import OptimizationConfig, optimization_settings, schedule_steps


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


def main() -> None:
    parser = head_parser(__doc__, steps=3000, seed=1, learning_rate=5e-4)
    parser.add_argument("--encoder", type=Path, required=True, help="checkpoint of trunk.train")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--start", type=Path, help="checkpoint of another head to begin with")
    begin.add_argument("--fresh", action="store_true", help="begin with a new head")
    options = parser.parse_args()

    lightning.seed_everything(options.seed)
    network = read_network(options.encoder)
    head = read_segmentation_head(options.start or options.encoder)
    if options.fresh:
        head = SegmentationHead(head.config)
    config = ConversationConfig(windows_per_batch=12, empty_probability=0.2)
    conversations = read_conversations(options, config)
    settings = optimization_settings(OptimizationConfig, options)
    fit_head(SegmentationTraining(network.trunk, head.train(), settings), conversations, options)


if __name__ == "__main__":
    main()
