"""Train the head of target-speaker VAD on simulated conversations, over everything else frozen.

    python -m recipes.embedded.target_speaker_vad.train --packed PACKED \
        --speakers DATA/speech/train.tsv --annotations DATA/conversations/annotations \
        --output RUN_TSVAD --steps 4000 [--resume RUN_TSVAD/last.ckpt]
        [--start diarspk/assets/targets/FINGERPRINT.json]
        [--optimizer muon --precision bf16-mixed]

Each window is segmented, linked to speakers of whom something is known, and resegmented as the
diarizer does it (see ``first_passes.py``); the head learns to correct what comes out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from diarspk.encoders.loading import load_encoder
from diarspk.segmentation.loading import load_segmenter
from diarspk.segmentation.segmenter import EmbeddedSegmenter
from diarspk.segmentation.target_speaker_vad import (
    MIN_PROBABILITY,
    TargetSpeakerVadConfig,
    TargetSpeakerVadHead,
)
from eval.command_line import command
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.pool import FRAMES_PER_SECOND
from recipes.embedded.head_training import HeadSettings, fit_head, read_conversations
from recipes.embedded.target_speaker_vad.first_passes import FirstPasses
from recipes.training.trainer import OptimizationConfig, schedule_steps


def frame_error(active: Tensor, activity: Tensor) -> Tensor:
    """Strict DER of frames, both bool ``(..., speakers)``."""
    right = (active & activity).sum(-1)
    wrong = torch.maximum(active.sum(-1), activity.sum(-1)) - right
    return wrong.sum() / activity.sum().clamp_min(1)


class TargetSpeakerVadTraining(lightning.LightningModule):
    """Optimisation steps of the TS-VAD head alone."""

    def __init__(
        self, head: TargetSpeakerVadConfig, train: OptimizationConfig, *, encoder: str = ""
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"head": asdict(head), "train": asdict(train), "encoder": encoder}
        )
        self.config = train
        self.head = TargetSpeakerVadHead(head)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        prior, right = batch["prior"], batch["activity"]
        logits = self.head(
            self.head.features(batch["frames"]),
            batch["centroids"],
            batch["similarity"],
            prior,
            batch["present"],
        )
        there = batch["present"].unsqueeze(1).expand_as(right)
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        loss = cross_entropy(logits.float()[there], right[there])
        with torch.no_grad():
            before = cross_entropy(torch.logit(prior, MIN_PROBABILITY)[there], right[there])
            errors = {
                "error": frame_error(logits > 0, right > 0),
                "error_before": frame_error(prior > 0.5, right > 0),
            }
        self.log_dict({"loss": loss, "loss_before": before, **errors}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self.head, ("layers.", "exchange."), self.config)


@dataclass(frozen=True)
class VadTrainConfig(OptimizationConfig):
    """Training settings of the TS-VAD head, stored in the checkpoint."""

    steps: int = 4000


@dataclass(frozen=True)
class Settings:
    head: HeadSettings
    train: VadTrainConfig
    seed: int = 8
    """Seed of the weights and the conversations."""
    windows: int = 8
    """Windows in a batch."""
    start: Path | None = None
    """TS-VAD head to begin with."""


@command
def main(settings: Settings) -> None:
    lightning.seed_everything(settings.seed)
    encoder, segmenter = load_encoder(), load_segmenter()
    assert isinstance(segmenter, EmbeddedSegmenter)
    network = encoder.network.config
    config = TargetSpeakerVadConfig(width=network.trunk.width, dimension=network.dimension)
    conversations = read_conversations(
        settings.head,
        ConversationConfig(
            frames=round(config.window_s * FRAMES_PER_SECOND),
            speakers=config.speakers,
            windows_per_batch=settings.windows,
            empty_probability=0.2,
            # How many talk at once is a probability here, and is to be that of conversations.
            dense_probability=0.2,
            interjection_probability=0.2,
        ),
        seed=settings.seed,
    )
    training = TargetSpeakerVadTraining(config, settings.train, encoder=encoder.fingerprint)
    batches = FirstPasses(conversations, encoder, segmenter)
    fit_head(training, batches, settings.head, settings.train, warm_start=settings.start)


if __name__ == "__main__":
    raise SystemExit(main())
