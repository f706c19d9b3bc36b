"""Optimisation steps of the trunk with its utterance head and its segmentation head.

A step has a batch of each of two kinds:

- crops of one speaker each, of one to three seconds;
- simulated conversations of ten seconds, of which the segmentation head is to say who talks when,
  and the utterance head is to embed each speaker from the frames in which nobody else talks. The
  trunk's context lets the neighbours in: so it learns to disregard them.

Embeddings follow a teacher's (see ``teacher.py``), whole and in their nested prefixes, by cosine
distance; crops are also classified among the training speakers at every speed.

The trunk's frames of a crop, through a linear map that is thrown away afterwards, also follow the
frames that the teacher pools (as in multi-level x-vector distillation, arXiv 2303.01125): twenty
hours of speech are two million frames, but eighteen thousand utterances.

For the last part of the run, batch norms keep the statistics of many batches: what is trained then
is what will run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.losses import AngularMarginSoftmax
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
from recipes.embedded.trunk.objectives import (
    clean_speech,
    frame_distance,
    relation_distance,
    segmentation_loss,
    teacher_distances,
)
from recipes.training.trainer import OptimizationConfig, schedule_steps

__all__ = ["Batch", "EncoderTraining", "TrainConfig"]

Batch = dict[str, Tensor]

HIDDEN = ("network.trunk.", "network.utterance.expand.", "head.layers.")
"""Prefixes of the matrices that Muon takes: none at the inputs or outputs of the network."""


@dataclass(frozen=True)
class TrainConfig(OptimizationConfig):
    """Training settings of the embedded model, stored in the checkpoint."""

    steps: int = 9000
    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    weight_decay: float = 0.02
    margin: float = 0.2
    """Margin of the classification."""
    margin_from: float = 0.1
    """Fraction of the run at which the margin begins to rise from zero."""
    margin_to: float = 0.4
    """Fraction at which it has risen."""
    margin_steps: int = 5000
    """Steps that those are fractions of, at most."""
    classification_weight: float = 0.2
    """Weight of the classification."""
    teacher_weight: float = 10.0
    """Weight of the distance to the teacher's embeddings."""
    relation_weight: float = 30.0
    """Weight of the difference of cosines within a batch of crops."""
    prefix_weight: float = 0.2
    """Weight of each prefix's distance beside that of the whole."""
    frame_weight: float = 4.0
    """Weight of the distance to the teacher's frames."""
    activity_weight: float = 2.0
    """Weight of the segmentation."""
    conversations_every: int = 1
    """Steps of which one has a batch of conversations; the others have crops alone."""
    clean_frames: int = 12
    """Frames of a speaker in a conversation, to be embedded."""
    fix_norms_at: float = 0.85
    """Fraction of the run from which batch norms are fixed."""
    fix_norms_steps: int = 500
    """Steps that they are fixed for, at most."""
    norm_batches_each: int = 40
    """Batches of each kind for the statistics that they are fixed at."""

    @property
    def fixed_norms_steps(self) -> int:
        """Steps at the end of the run in which batch norms are fixed.

        Where the rate falls in the last steps only, they are at most half of those: a run that was
        left open is resumed when they begin.
        """
        steps = min(round((1 - self.fix_norms_at) * self.steps), self.fix_norms_steps)
        return steps if self.decay_steps is None else min(steps, self.decay_steps // 2)


class EncoderTraining(lightning.LightningModule):
    """Optimisation steps of trunk, utterance head and segmentation head."""

    def __init__(
        self,
        network: SpeakerNetworkConfig,
        head: SegmentationHeadConfig,
        train: TrainConfig,
        *,
        classes: int,
        teacher: Tensor,
        norm_batches: Iterable[dict[str, Batch]],
        frame_dimension: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"network": asdict(network), "head": asdict(head), "train": asdict(train)}
        )
        self.train_config, self.norm_batches = train, norm_batches
        self.network = SpeakerNetwork(network)
        self.head = SegmentationHead(head)
        self.criterion = AngularMarginSoftmax(
            network.dimension, classes, margin=0.0, prefixes=network.prefixes
        )
        self.mimic = nn.Linear(network.trunk.width, frame_dimension) if frame_dimension else None
        self.register_buffer("teacher", teacher, persistent=False)  # a row for each of the pool's
        self.teacher: Tensor

    def on_train_batch_start(self, batch: dict[str, Batch], index: int) -> None:
        config = self.train_config
        fixed_from = config.steps - config.fixed_norms_steps
        if self.global_step == fixed_from:
            batches = islice(self.norm_batches, config.norm_batches_each)
            update_bn(batches, self)
            self.fix_norms()
        elif self.global_step > fixed_from:
            self.fix_norms()

    def training_step(self, batch: dict[str, Batch], index: int) -> Tensor:
        loss = self.crop_loss(batch["crops"])
        if "conversations" not in batch:
            return loss
        return loss + self.conversation_loss(batch["conversations"])

    def crop_loss(self, crops: Batch) -> Tensor:
        """Loss of crops: how far embeddings and frames are from the teacher's, and whose they are.

        ``crops`` are of :class:`~recipes.embedded.data.crops.SpeakerCrops`.
        """
        config = self.train_config
        embeddings, frames = self.embed_crops(crops)
        distance = self.distance(embeddings, crops["row"])
        classification = self.classify(embeddings, crops["label"])
        relation = relation_distance(embeddings, self.target(crops["row"]))
        self.log_dict(
            {"classification": classification, "teacher": distance, "relation": relation},
            prog_bar=True,
        )
        loss = (
            config.teacher_weight * distance
            + config.relation_weight * relation
            + config.classification_weight * classification
        )
        if self.mimic is None:
            return loss
        learned = frames[..., : self.network.utterance.width]
        followed = frame_distance(self.mimic(learned), crops["teacher_frames"])
        self.log_dict({"frames": followed}, prog_bar=True)
        return loss + config.frame_weight * followed

    def conversation_loss(self, windows: Batch) -> Tensor:
        """Loss of windows: who talks when, and how far the speakers are from the teacher's.

        ``windows`` are of :class:`~recipes.embedded.data.conversations.Conversations`.
        """
        config = self.train_config
        embeddings, row, frames = self.embed_speakers(windows)
        distance = self.distance(embeddings, row)
        activity, error = segmentation_loss(
            self.head.powerset, self.head(frames), windows["activity"]
        )
        self.log_dict({"activity": activity, "frame_error": error, "local": distance})
        return config.teacher_weight * distance + config.activity_weight * activity

    def fix_norms(self) -> None:
        """Let batch norms use their running statistics, and no longer change them."""
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.eval()

    def forward(self, batch: dict[str, Batch]) -> None:
        """Pass both kinds through the network, to update the statistics of its batch norms."""
        self.embed_crops(batch["crops"])
        self.embed_speakers(batch["conversations"])

    def embed_crops(self, crops: Batch) -> tuple[Tensor, Tensor]:
        """Embeddings ``(batch, dimension)`` and trunk frames."""
        frames = self.network.trunk(crops["features"])
        everything = frames.new_ones(len(frames), 1, frames.shape[1])
        return self.pool(frames, everything)[:, 0], frames

    def embed_speakers(self, windows: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings of all speakers ``(n, dimension)``, their rows of the pool, trunk frames."""
        frames = self.network.trunk(windows["features"])
        clean = clean_speech(windows["activity"]).transpose(1, 2)  # (batch, speakers, frames)
        enough = clean.sum(-1) >= self.train_config.clean_frames
        return self.pool(frames, clean)[enough], windows["row"][enough], frames

    def pool(self, frames: Tensor, weights: Tensor) -> Tensor:
        """Embed weighted frames, in single precision but for the map that widens them."""
        head = self.network.utterance
        wide = head.widen(frames).float()
        with torch.autocast(frames.device.type, enabled=False):  # or variances would be lost
            return head.embed_moments(head.moments(frames, weights.float(), wide))

    def distance(self, embeddings: Tensor, row: Tensor) -> Tensor:
        """Weighted distance to the teacher, of whole embeddings and of each prefix."""
        if not len(row):
            return embeddings.new_zeros(())
        sizes = (embeddings.shape[1], *self.network.config.prefixes)
        target = self.target(row)
        whole, *nested = teacher_distances(embeddings, target, sizes)
        return whole + self.train_config.prefix_weight * sum(nested)

    def target(self, row: Tensor) -> Tensor:
        """Vectors that embeddings of rows of the pool are to follow, ``(n, dimension)``."""
        target: Tensor = self.network.utterance.whitening(self.teacher[row])
        return target

    def classify(self, embeddings: Tensor, label: Tensor) -> Tensor:
        """Angular-margin softmax with the margin of the present step, of what has a class."""
        config = self.train_config
        progress = self.global_step / min(config.steps, config.margin_steps)
        rise = (progress - config.margin_from) / (config.margin_to - config.margin_from)
        self.criterion.margin = config.margin * min(max(rise, 0.0), 1.0)
        known = label >= 0
        return (
            self.criterion(embeddings[known], label[known]) if known.any() else embeddings.sum() * 0
        )

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self, HIDDEN, self.train_config)
