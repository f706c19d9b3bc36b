"""Train the activity head further on simulated conversations, over the frozen trunk.

    python -m recipes.embedded.activity.train --packed PACKED \
        --speakers ../shared/speech/train.tsv --annotations ../shared/conversations/annotations \
        --encoder RUN/final.ckpt --output RUN_ACTIVITY --steps 3000 --learning-rate 5e-4 \
        [--optimizer muon --precision bf16-mixed --devices 2]

Such a step costs a third of one of ``train.py``. The head goes on from the encoder's checkpoint,
or from that of an earlier run (``--start RUN_ACTIVITY/last.ckpt``), unless ``--fresh``. Nobody
talks in more of the windows than there: what a head takes for speech in a nearly silent recording
counts for little in its loss and for much in that recording.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.encoders.local.trunk import LocalTrunk
from diarspk.segmentation.activity import ActivityHead
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.data_module import add_material_options, read_material
from recipes.embedded.trunk.export import read_activity, read_network
from recipes.embedded.trunk.objectives import activity_loss
from recipes.training.sharing import share_of_process
from recipes.training.trainer import (
    OptimizationConfig,
    add_training_options,
    make_trainer,
    schedule_steps,
)


class ActivityTraining(lightning.LightningModule):
    """Optimisation steps of the activity head alone."""

    def __init__(
        self,
        trunk: LocalTrunk,
        head: ActivityHead,
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
        loss, error = activity_loss(self.head.powerset, self.head(frames), batch["activity"])
        self.log_dict({"loss": loss, "frame_error": error}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self.head, ("layers.",), self.config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_material_options(parser)
    parser.add_argument("--encoder", type=Path, required=True)
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--start", type=Path, help="where the head is not the encoder's")
    begin.add_argument("--fresh", action="store_true", help="start with a new head")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    add_training_options(parser)
    parser.add_argument("--resume", type=Path)
    arguments = parser.parse_args()

    lightning.seed_everything(arguments.seed)
    network = read_network(arguments.encoder)
    head = read_activity(arguments.start or arguments.encoder)
    if arguments.fresh:
        head = ActivityHead(head.config)
    material = read_material(arguments, in_memory=arguments.devices == 1)
    conversations = material.conversations(
        ConversationConfig(windows_per_batch=12, empty_probability=0.2),
        seed=arguments.seed,
        share=share_of_process(arguments.devices, arguments.resume),
    )
    training = ActivityTraining(
        network.trunk,
        head.train(),
        OptimizationConfig(
            steps=arguments.steps,
            learning_rate=arguments.learning_rate,
            optimizer=arguments.optimizer,
            average=arguments.average,
        ),
    )
    trainer = make_trainer(
        arguments.output,
        steps=arguments.steps,
        clip=1.0,
        precision=arguments.precision,
        devices=arguments.devices,
        average=arguments.average,
    )
    # Windows are made in a process of their own, beside those that train.
    loader = DataLoader(conversations, batch_size=None, num_workers=1, prefetch_factor=4)
    trainer.fit(training, loader, ckpt_path=arguments.resume)


if __name__ == "__main__":
    main()
