"""Training of an extractor: its settings, loss, teacher and optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from diarspk.errors import ArgumentError
from eval.command_line import one_of
from recipes.extraction.cue_vectors import make_cue_vectors
from recipes.extraction.cues import BatchCues
from recipes.extraction.encoders import CueEncoders
from recipes.extraction.network import fit_conditioning
from recipes.training.optimizer import make_optimizer, split_parameters
from recipes.training.trainer import OptimizationConfig, schedule_rate
from tse.cue_sources import make_cue_source
from tse.extractor import Extractor
from tse.losses import ExtractionLoss, SpeakerLoss, si_sdr_loss
from tse.models import build_network, describe_network
from tse.models.architectures import NetworkConfig
from tse.models.network import LEAD_SAMPLES, ExtractionNetwork

__all__ = ["ExtractionTraining", "TrainConfig", "make_training"]


@dataclass(frozen=True)
class TrainConfig(OptimizationConfig):
    """Training settings of an extractor, stored in the checkpoint."""

    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    clip: float = 5.0
    """Largest norm of a step's gradient."""
    objective: Annotated[str, one_of(ExtractionLoss.OBJECTIVES)] = "spectrum+snr"
    """Distance of the estimate to the target."""
    absent_weight: float = 0.5
    """Weight of mixtures without the target."""
    speaker_weight: float = 0.0
    """Weight of the multi-task loss; 0.1 where the cue is learned."""
    joint_encoder: bool = False
    """Train the speaker encoders, too."""
    encoder_rate: float = 0.1
    """Share of the learning rate for those encoders."""
    teacher_share: float = 0.5
    """Share of the loss that is the distance to the teacher's outputs, with --teacher."""


def make_training(
    network: NetworkConfig,
    train: TrainConfig,
    cue: str,
    speakers: list[str],
    encoders: CueEncoders,
    teacher: Extractor | None = None,
) -> ExtractionTraining:
    """Put network, cue, encoders and teacher together."""
    source = make_cue_source(cue, encoders.joined, speakers)
    vectors = make_cue_vectors(cue, encoders.loaded, tuned=train.joint_encoder)
    if teacher is not None and type(teacher.source) is not type(source):
        raise ArgumentError(f"--teacher must read the cue {cue}, got {teacher!r}")
    return ExtractionTraining(
        fit_conditioning(network, source),
        train,
        BatchCues(cue, source, speakers, vectors),
        encoders=encoders.describe(),
        teacher=None if teacher is None else teacher.network,
    )


class ExtractionTraining(lightning.LightningModule):
    """Optimisation steps of an extractor."""

    def __init__(
        self,
        network: NetworkConfig,
        train: TrainConfig,
        cues: BatchCues,
        *,
        encoders: Sequence[dict[str, str]] = (),
        teacher: ExtractionNetwork | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {
                "network": describe_network(network),
                "train": asdict(train),
                "cue": cues.name,
                "encoders": list(encoders),
            }
        )
        self.train_config, self.cues = train, cues
        self.network = build_network(network)
        self.criterion = ExtractionLoss(train.objective, absent_weight=train.absent_weight)
        self.joint = cues.vectors
        self.teacher = () if teacher is None else (teacher,)  # no part of what is trained
        width = self.network.reader.config.width
        self.speaker_loss = (
            SpeakerLoss(width, len(cues.speakers)) if train.speaker_weight > 0 else None
        )

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        mixture, target, present = batch["mixture"], batch["target"], batch["present"]
        estimate, vector = self.extract(batch)
        loss = self.criterion(estimate, target, mixture, present)
        for teacher in self.teacher:
            wanted = self.teach(teacher, batch)
            share = self.train_config.teacher_share
            loss = torch.lerp(loss, self.criterion(estimate, wanted, mixture, present), share)
        gain = improvement(estimate.detach().float(), target, mixture)[present]
        self.log("loss", loss.detach(), prog_bar=True)
        if len(gain):
            self.log("gain", gain.mean(), prog_bar=True)
        if self.speaker_loss is not None:
            speaker = self.speaker_loss(vector, batch["speaker"])
            self.log("speaker", speaker.detach())
            return loss + self.train_config.speaker_weight * speaker
        return loss

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        estimate, _ = self.extract(batch)
        gain = improvement(estimate.float(), batch["target"], batch["mixture"])
        accepted = (gain > 1).float().mean()
        self.log_dict(
            {"validation_gain": gain.mean(), "validation_acceptance": accepted},
            batch_size=len(gain),
            prog_bar=True,
            sync_dist=True,
        )

    def extract(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Estimates, and the network's reading of the cue."""
        conditioning = self.network.condition(self.cues(batch))
        estimate = self.network.extract(
            batch["mixture"], conditioning, lead_samples=lead_of(self.network)
        )
        return estimate, conditioning.vector

    @torch.no_grad()
    def teach(self, teacher: ExtractionNetwork, batch: dict[str, Tensor]) -> Tensor:
        """Compute the outputs of the teacher."""
        conditioning = teacher.to(self.device).condition(self.cues(batch))
        return teacher.extract(batch["mixture"], conditioning, lead_samples=lead_of(teacher))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        config = self.train_config
        matrices, own = split_parameters(self, ("network.blocks.",), left_out=("joint.",))
        rate = config.learning_rate
        groups: list[dict[str, Any]] = [{"params": own, "lr": rate}]
        if self.joint is not None and (learned := list(self.joint.parameters())):
            slow = rate * (config.encoder_rate if self.joint.tuned else 1.0)
            groups.append({"params": learned, "lr": slow})
        optimizer = make_optimizer(
            config.optimizer, matrices, groups, lr=rate, weight_decay=config.weight_decay
        )
        return schedule_rate(
            optimizer,
            steps=config.steps,
            warmup_steps=config.warmup_steps,
            decay_steps=config.decay_steps,
        )


def lead_of(network: ExtractionNetwork) -> int:
    """Count the samples of silence that a network wants before a mixture."""
    return 0 if network.causal else LEAD_SAMPLES


def improvement(estimate: Tensor, target: Tensor, mixture: Tensor) -> Tensor:
    """SI-SDR of each estimate over its mixture's, in dB."""
    return si_sdr_loss(mixture, target) - si_sdr_loss(estimate, target)
