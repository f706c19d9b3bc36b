"""Train the shared trunk and its utterance head.

    python -m recipes.embedded.train --packed PACKED --speakers ../shared/speech/train.tsv \
        --output RUN --steps 6000 [--resume RUN/last.ckpt]

The loss is angular-margin softmax over the training speakers at three speeds, on the embedding and
its nested prefixes, plus the cosine distance of a linear read-out to a teacher's utterance
embedding. In half of the batches the crops of four speakers are laid end to end before the trunk
and pooled apart after it, so that a span's embedding learns to disregard the neighbours that the
trunk's context lets in: that is what it meets in a conversation.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diarspk.encoders.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.losses import AngularMarginSoftmax
from recipes.embedded.data import CropConfig, Pool, SpeakerCrops, read_pool, read_speakers
from recipes.embedded.settling import settle_norms
from recipes.embedded.trainer import make_trainer

SETTLING_SEED = 12345
"""Added to the seed for the crops that batch norms settle on: training has not seen them."""


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation settings; they are stored in the checkpoint."""

    steps: int
    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    weight_decay: float = 0.02
    margin: float = 0.2
    margin_from: float = 0.1  # fractions of the run between which the margin rises from zero
    margin_to: float = 0.4
    teacher_weight: float = 4.0
    joined_probability: float = 0.5
    joined_crops: int = 4


class EncoderTraining(lightning.LightningModule):
    """One optimisation step of trunk and utterance head."""

    def __init__(
        self,
        network: SpeakerNetworkConfig,
        train: TrainConfig,
        *,
        classes: int,
        teacher: Tensor,
    ) -> None:
        super().__init__()
        self.save_hyperparameters({"network": asdict(network), "train": asdict(train)})
        self.train_config = train
        self.network = SpeakerNetwork(network)
        self.criterion = AngularMarginSoftmax(
            network.dimension, classes, margin=0.0, prefixes=network.prefixes
        )
        self.readout = nn.Linear(network.dimension, teacher.shape[1])
        # Row of every packed recording; zero where the teacher has not heard that speed.
        self.register_buffer("teacher", teacher, persistent=False)
        self.teacher: Tensor

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        config = self.train_config
        progress = self.global_step / config.steps
        rise = (progress - config.margin_from) / (config.margin_to - config.margin_from)
        self.criterion.margin = config.margin * min(max(rise, 0.0), 1.0)
        embeddings = self.embed(batch["features"])
        classification = self.criterion(embeddings, batch["label"])
        target = self.teacher[batch["row"]]
        known = target.abs().sum(-1) > 0
        agreement = nn.functional.cosine_similarity(self.readout(embeddings), target)[known]
        distance = 1 - agreement.mean()
        self.log_dict({"classification": classification, "teacher": distance}, prog_bar=True)
        return classification + config.teacher_weight * distance

    def embed(self, features: Tensor) -> Tensor:
        """Embeddings of crops, half of the time with the crops of several speakers end to end."""
        if torch.rand(()) >= self.train_config.joined_probability:
            return self.network(features)
        joined, stride = self.train_config.joined_crops, self.network.config.trunk.stride
        count, length, mels = features.shape
        length -= length % stride
        chain = features[:, :length].reshape(count // joined, joined * length, mels)
        frames = self.network.trunk(chain).reshape(count, length // stride, -1)
        everything = frames.new_ones(count, 1, frames.shape[1])
        return self.network.utterance(frames, everything)[:, 0]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        config = self.train_config
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

        def factor(step: int) -> float:
            warmup = min((step + 1) / config.warmup_steps, 1.0)
            fall = (1 + math.cos(math.pi * min(step / config.steps, 1.0))) / 2
            return warmup * (0.01 + 0.99 * fall)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def read_teacher(path: Path, pool: Pool) -> Tensor:
    """Teacher vector of every row of the pool, zeros for changed speeds, ``(rows, 256)``."""
    stored = np.load(path)
    vectors = dict(zip(stored["utterance"].tolist(), stored["vector"], strict=True))
    absent = np.zeros(stored["vector"].shape[1], np.float16)
    chosen = [
        absent if variant in ("slow", "fast") else vectors[utterance]
        for utterance, variant in zip(pool.utterance, pool.variant, strict=True)
    ]
    return torch.from_numpy(np.stack(chosen)).float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--speakers", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", type=Path)
    arguments = parser.parse_args()

    lightning.seed_everything(arguments.seed)
    pool = read_pool(arguments.packed / "train")
    noise, speakers = read_pool(arguments.packed / "noise"), read_speakers(arguments.speakers)
    crops = SpeakerCrops(pool, noise, speakers, CropConfig(), seed=arguments.seed)
    training = EncoderTraining(
        SpeakerNetworkConfig(),
        TrainConfig(steps=arguments.steps),
        classes=crops.classes,
        teacher=read_teacher(arguments.packed / "train" / "teacher.npz", pool),
    )
    trainer = make_trainer(arguments.output, steps=arguments.steps, clip=5.0)
    for parameter in training.network.trunk.front.parameters():
        if parameter.dim() == 4:  # convolutions run twice as fast on a CPU with channels last
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    trainer.fit(training, DataLoader(crops, batch_size=None), ckpt_path=arguments.resume)
    fresh = SpeakerCrops(pool, noise, speakers, CropConfig(), seed=arguments.seed + SETTLING_SEED)
    settle_norms(training.network, fresh)
    trainer.save_checkpoint(arguments.output / "settled.ckpt")


if __name__ == "__main__":
    main()
