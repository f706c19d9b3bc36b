"""Train the target activity head on simulated conversations, over everything else frozen.

    python -m recipes.embedded.targets.train --packed PACKED \
        --speakers ../shared/speech/train.tsv --annotations ../shared/conversations/annotations \
        --output RUN_TARGETS --steps 4000 [--resume RUN_TARGETS/last.ckpt]
        [--start diarspk/assets/targets/FINGERPRINT.json]
        [--optimizer muon --precision bf16-mixed]

Each window is segmented, linked to speakers of whom something is known, and resegmented as the
diarizer does it (see ``first_passes.py``); the head learns to correct what comes out.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diarspk.encoders.loading import load_encoder
from diarspk.segmentation.loading import load_segmenter
from diarspk.segmentation.segmenter import ActivitySegmenter
from diarspk.segmentation.target_speaker_vad import SUREST, TargetActivityConfig, TargetActivityHead
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.crops import FRAMES_PER_SECOND
from recipes.embedded.data.data_module import add_material_options, read_material
from recipes.embedded.targets.first_passes import FirstPasses
from recipes.embedded.trunk.warm_start import begin_with
from recipes.training.sharing import share_of_process
from recipes.training.trainer import (
    OptimizationConfig,
    add_training_options,
    make_trainer,
    schedule_steps,
)
from recipes.training.warm_start import read_start


def frame_error(active: Tensor, activity: Tensor) -> Tensor:
    """Strict DER of frames, both bool ``(..., speakers)``."""
    right = (active & activity).sum(-1)
    wrong = torch.maximum(active.sum(-1), activity.sum(-1)) - right
    return wrong.sum() / activity.sum().clamp_min(1)


class TargetTraining(lightning.LightningModule):
    """Optimisation steps of the target activity head alone."""

    def __init__(
        self, head: TargetActivityConfig, train: OptimizationConfig, *, encoder: str = ""
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"head": asdict(head), "train": asdict(train), "encoder": encoder}
        )
        self.config = train
        self.head = TargetActivityHead(head)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        prior, right = batch["prior"], batch["activity"]
        logits = self.head(
            self.head.listen(batch["frames"]),
            batch["directions"],
            batch["likeness"],
            prior,
            batch["present"],
        )
        there = batch["present"].unsqueeze(1).expand_as(right)
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        loss = cross_entropy(logits.float()[there], right[there])
        with torch.no_grad():
            before = cross_entropy(torch.logit(prior, SUREST)[there], right[there])
            errors = {
                "error": frame_error(logits > 0, right > 0),
                "error_before": frame_error(prior > 0.5, right > 0),
            }
        self.log_dict({"loss": loss, "loss_before": before, **errors}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self.head, ("layers.", "hear."), self.config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_material_options(parser)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--windows", type=int, default=8, help="in a batch")
    parser.add_argument("--workers", type=int, default=1, help="processes that make windows")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=OptimizationConfig.learning_rate)
    add_training_options(parser)
    parser.add_argument("--start", type=Path, help="target activity head to begin with")
    parser.add_argument("--resume", type=Path, help="checkpoint of this run to go on from")
    arguments = parser.parse_args()

    lightning.seed_everything(arguments.seed)
    encoder, segmenter = load_encoder(), load_segmenter()
    assert isinstance(segmenter, ActivitySegmenter)
    network = encoder.network.config
    config = TargetActivityConfig(width=network.trunk.width, dimension=network.dimension)
    material = read_material(arguments, in_memory=False)
    conversations = material.conversations(
        ConversationConfig(
            frames=round(config.window_s * FRAMES_PER_SECOND),
            speakers=config.speakers,
            windows_per_batch=arguments.windows,
            empty_probability=0.2,
            # How many talk at once is a probability here, and is to be that of conversations.
            dense_probability=0.2,
            interjection_probability=0.2,
        ),
        seed=arguments.seed,
        share=share_of_process(arguments.devices, arguments.resume),
    )
    training = TargetTraining(
        config,
        OptimizationConfig(
            steps=arguments.steps,
            learning_rate=arguments.learning_rate,
            optimizer=arguments.optimizer,
            average=arguments.average,
        ),
        encoder=encoder.fingerprint,
    )
    if arguments.start is not None:
        begin_with(training, read_start(arguments.start, part="", name="head."))
    trainer = make_trainer(
        arguments.output,
        steps=arguments.steps,
        clip=1.0,
        precision=arguments.precision,
        devices=arguments.devices,
        average=arguments.average,
    )
    # Windows are made in processes of their own, beside those that train.
    loader = DataLoader(
        FirstPasses(conversations, encoder, segmenter),
        batch_size=None,
        num_workers=arguments.workers,
        prefetch_factor=4,
    )
    trainer.fit(training, loader, ckpt_path=arguments.resume)
    trainer.save_checkpoint(arguments.output / "final.ckpt")


if __name__ == "__main__":
    main()
