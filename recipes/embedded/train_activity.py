"""Train the activity head on simulated conversations, over the frozen trunk.

python -m recipes.embedded.train_activity --packed PACKED --speakers ../shared/speech/train.tsv \
        --annotations ../shared/conversations/annotations --encoder RUN/last.ckpt \
        --output RUN_ACTIVITY --steps 3000
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.encoders.trunk import LocalTrunk
from diarspk.segmentation.activity import ActivityHead, ActivityHeadConfig
from recipes.embedded.conversations import ConversationConfig, Conversations, Turn, read_turns
from recipes.embedded.data import read_pool, read_speakers
from recipes.embedded.export import read_activity, read_network
from recipes.embedded.trainer import make_trainer


class ActivityTraining(lightning.LightningModule):
    """Permutation-invariant power-set cross-entropy (Plaquet & Bredin 2023, equation 3)."""

    def __init__(
        self,
        trunk: LocalTrunk,
        head: ActivityHeadConfig,
        *,
        steps: int,
        learning_rate: float = 1e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters({"head": asdict(head), "steps": steps})
        self.steps, self.learning_rate = steps, learning_rate
        self.trunk = [trunk.eval().requires_grad_(False)]  # in a list: not saved, not trained
        self.head = ActivityHead(head)
        self.orders = self.head.powerset.orders()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        with torch.no_grad():
            frames = self.trunk[0](batch["features"])
        logits = self.head(frames)
        loss, error = self.loss(logits, batch["activity"])
        self.log_dict({"loss": loss, "frame_error": error}, prog_bar=True)
        return loss

    def loss(self, logits: Tensor, activity: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy and share of wrong frames under each window's best order of speakers."""
        target = self.head.powerset.encode(activity)  # (batch, frames)
        valid = (target >= 0).float()
        target = target.clamp_min(0)
        log_probability = logits.log_softmax(-1)
        # Renaming the classes of the target by every order: (orders, batch, frames).
        renamed = self.orders[:, target]
        picked = log_probability.expand(len(renamed), -1, -1, -1).gather(-1, renamed[..., None])
        losses = -(picked[..., 0] * valid).sum(-1) / valid.sum(-1).clamp_min(1)  # (orders, batch)
        best = losses.argmin(0)
        chosen = renamed[best, torch.arange(len(best))]
        error = ((logits.argmax(-1) != chosen) * valid).sum() / valid.sum()
        return losses.min(0).values.mean(), error

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = torch.optim.AdamW(
            self.head.parameters(), lr=self.learning_rate, weight_decay=0.01
        )

        def factor(step: int) -> float:
            warmup = min((step + 1) / 100, 1.0)
            fall = (1 + math.cos(math.pi * min(step / self.steps, 1.0))) / 2
            return warmup * (0.01 + 0.99 * fall)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def read_templates(folder: Path) -> list[list[list[Turn]]]:
    """Turn-taking of AMI train and VoxConverse dev, drawn from with equal probability."""
    corpora = (folder / "ami" / "train", folder / "voxconverse" / "dev")
    return [
        [turns for path in sorted(corpus.glob("*.rttm")) if (turns := read_turns(path))]
        for corpus in corpora
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--speakers", type=Path, required=True)
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="checkpoint whose head to go on from")
    parser.add_argument("--resume", type=Path)
    arguments = parser.parse_args()

    lightning.seed_everything(arguments.seed)
    network = read_network(arguments.encoder)
    conversations = Conversations(
        read_pool(arguments.packed / "train"),
        read_pool(arguments.packed / "noise"),
        read_speakers(arguments.speakers),
        read_templates(arguments.annotations),
        ConversationConfig(),
        seed=arguments.seed,
    )
    head = ActivityHeadConfig(width=network.config.trunk.width)
    training = ActivityTraining(
        network.trunk, head, steps=arguments.steps, learning_rate=arguments.learning_rate
    )
    if arguments.start is not None:
        training.head.load_state_dict(read_activity(arguments.start).state_dict())
    trainer = make_trainer(arguments.output, steps=arguments.steps, clip=1.0)
    # Windows are made in a process of their own, beside the two that train.
    loader = DataLoader(conversations, batch_size=None, num_workers=1, prefetch_factor=4)
    trainer.fit(training, loader, ckpt_path=arguments.resume)


if __name__ == "__main__":
    main()
