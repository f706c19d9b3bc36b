"""Train the shared trunk with its utterance head and its segmentation head.

    python -m recipes.embedded.trunk.train --packed PACKED --speakers ../shared/speech/train.tsv \
        --annotations ../shared/conversations/annotations --output RUN --steps 9000 \
        [--resume RUN/last.ckpt] [--optimizer muon --precision bf16-mixed --devices 2]

A step has a batch of each of two kinds:

- crops of one speaker each, of one to three seconds;
- simulated conversations of ten seconds, of which the segmentation head is to say who talks when,
  and the utterance head is to embed each speaker from the frames in which nobody else talks. The
  trunk's context lets the neighbours in: so it learns to disregard them.

Embeddings follow a teacher's (see ``teacher.py``), whole and in their nested prefixes, by cosine
distance; crops are also classified among the training speakers at two speeds. The teacher's space
is rotated to its principal axes first, so that a prefix carries the most that so few can. Where
the network to start with has a whitening (see ``whitening.py``), the teacher goes through it too.
``--centred`` takes that whitening away again, turns embeddings to the teacher's axes and takes its
mean off both; in the end a whitening is fitted anew.

The trunk's frames of a crop, through a linear map that is thrown away afterwards, also follow the
frames that the teacher pools (as in multi-level x-vector distillation, arXiv 2303.01125): twelve
hours of speech are two million frames, but eleven thousand utterances.

For the last part of the run, batch norms keep the statistics of many batches: what is trained then
is what will run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn
from torch.utils.data import IterableDataset

from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig, Whitening
from diarspk.encoders.losses import AngularMarginSoftmax
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
from eval.command_line import command
from recipes.embedded.data.conversations import Conversations
from recipes.embedded.data.crops import SpeakerCrops
from recipes.embedded.data.data_module import DataSettings, read_training_data
from recipes.embedded.trunk.net2net import load_warm_start
from recipes.embedded.trunk.objectives import (
    clean_speech,
    frame_distance,
    relation_distance,
    segmentation_loss,
    teacher_distances,
)
from recipes.training.sharing import EVERYTHING, Share, share_of_process
from recipes.training.trainer import (
    OptimizationConfig,
    ProcessSettings,
    make_loader,
    make_trainer,
    schedule_steps,
)
from recipes.training.warm_start import read_warm_start

Batch = dict[str, Tensor]

NORM_SEED = 12345
"""Added to the seed for the batches of the final batch-norm statistics, new to the training."""

JOINING_BATCHES = 120
"""Batches for the rotation to the teacher's axes: ten would fit it to their noise."""

RIDGE = 1e-4
"""Ridge of the map to the teacher's frames, of the mean power of what it reads."""

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


class Pairs(IterableDataset[dict[str, Batch]]):
    """A batch of crops beside one of conversations, as the sources' own seeds have it."""

    def __init__(self, crops: SpeakerCrops, conversations: Conversations) -> None:
        self.crops, self.conversations = crops, conversations

    def __iter__(self) -> Iterator[dict[str, Batch]]:
        for crops, conversations in zip(self.crops, self.conversations, strict=True):
            yield {"crops": crops, "conversations": conversations}


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

    @torch.no_grad()
    def join_teacher(self, batches: Iterable[dict[str, Batch]]) -> None:
        """Drop the whitening, turn embeddings to the teacher's axes, take its mean off both.

        The axes depend on the speech that the teacher has embedded, so a network that begins with
        the weights of another run may have others: the nearest rotation between its embeddings of
        the batches' crops and the teacher's (orthogonal Procrustes) becomes a part of its last map.
        """
        head = self.network.utterance
        head.whitening = Whitening(self.network.config.dimension, head.mels)
        self.network.eval()
        embedded = [
            (self.embed_crops(batch["crops"])[0], batch["crops"]["row"]) for batch in batches
        ]
        self.network.train()
        embeddings = nn.functional.normalize(
            torch.cat([vectors for vectors, _ in embedded]), dim=-1
        )
        target = self.teacher[torch.cat([row for _, row in embedded])]
        left, _, right = torch.linalg.svd(embeddings.double().T @ target.double())
        turn = (left @ right).to(embeddings)
        head.affine.weight.copy_(turn.T @ head.affine.weight)
        head.affine.bias.copy_(turn.T @ head.affine.bias)
        mean = self.teacher[self.teacher.isfinite().all(1)].mean(0)
        head.whitening.mean[: len(mean)].copy_(mean)

    @torch.no_grad()
    def fit_teacher_frames(self, batches: Iterable[dict[str, Batch]]) -> None:
        """Begin the map to the teacher's frames at least squares over the trunk as it is.

        A map that begins anew would pull at what the trunk has learned until it fits.
        """
        if self.mimic is None:
            return
        width = self.mimic.in_features + 1  # and the bias
        squares = torch.zeros(width, width, dtype=torch.double)
        products = torch.zeros(width, self.mimic.out_features, dtype=torch.double)
        self.network.eval()
        for batch in batches:
            crops = batch["crops"]
            target = crops["teacher_frames"].double().flatten(0, 1)
            _, frames = self.embed_crops(crops)
            frames = frames[..., : self.mimic.in_features].double().flatten(0, 1)
            known = target.any(-1)
            inputs = nn.functional.pad(frames[known], (0, 1), value=1.0)
            squares += inputs.T @ inputs
            products += inputs.T @ target[known]
        self.network.train()
        ridge = RIDGE * squares.diagonal().mean() * torch.eye(width, dtype=torch.double)
        solution = torch.linalg.solve(squares + ridge, products).to(self.mimic.weight)
        self.mimic.weight.copy_(solution[:-1].T)
        self.mimic.bias.copy_(solution[-1])

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
        return self.crop_loss(batch["crops"]) + self.conversation_loss(batch["conversations"])

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

    @torch.no_grad()
    def initialize_classes(self, labels: Tensor) -> None:
        """Begin each class at the mean of the teacher's vectors of its rows.

        ``labels (rows,)`` are classes of the pool's rows, -1 for none.
        """
        known = labels >= 0
        target = nn.functional.normalize(self.target(known.nonzero()[:, 0]), dim=-1)
        sums = torch.zeros_like(self.criterion.weight).index_add_(0, labels[known], target)
        present = sums.any(-1)
        self.criterion.weight[present] = nn.functional.normalize(sums[present], dim=-1)

    def classify(self, embeddings: Tensor, label: Tensor) -> Tensor:
        """Angular-margin softmax with the margin of the present step."""
        config = self.train_config
        progress = self.global_step / min(config.steps, config.margin_steps)
        rise = (progress - config.margin_from) / (config.margin_to - config.margin_from)
        self.criterion.margin = config.margin * min(max(rise, 0.0), 1.0)
        return self.criterion(embeddings, label)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self, HIDDEN, self.train_config)


@dataclass(frozen=True)
class Settings:
    data: DataSettings
    train: TrainConfig
    processes: ProcessSettings
    output: Path
    """Folder of the checkpoints."""
    seed: int = 0
    """Seed of the weights and the batches."""
    start: Path | None = None
    """Checkpoint or card whose weights to begin with."""
    centred: bool = False
    """Begin without the whitening of what it begins with."""
    save_every: int = 250
    """Steps between checkpoints."""
    resume: Path | None = None
    """Checkpoint of this run to go on from."""


@command
def main(settings: Settings) -> None:
    lightning.seed_everything(settings.seed)
    data = read_training_data(settings.data, in_memory=settings.processes.devices == 1)

    def draw(seed: int, share: Share) -> Pairs:
        crops = data.crops(seed=seed, share=share)
        return Pairs(crops, data.conversations(seed=seed, share=share))

    batches = draw(settings.seed, share_of_process(settings.processes.devices, settings.resume))
    network = SpeakerNetworkConfig()
    training = EncoderTraining(
        network,
        SegmentationHeadConfig(width=network.trunk.width),
        settings.train,
        classes=batches.crops.classes,
        teacher=data.teacher,
        norm_batches=draw(settings.seed + NORM_SEED, EVERYTHING),
        frame_dimension=data.frames.dimension,
    )
    if settings.start is not None:
        load_warm_start(training, read_warm_start(settings.start, part="activity.", name="head."))
    if settings.centred and settings.resume is None:
        # any process but the first gets the first one's weights before it steps
        batches_each = JOINING_BATCHES if batches.crops.share.first == 0 else 1
        crops = data.crops(seed=settings.seed + NORM_SEED)
        joining = [{"crops": batch} for batch in islice(crops, batches_each)]
        training.join_teacher(joining)
        training.fit_teacher_frames(joining)
    if settings.resume is None:
        training.initialize_classes(torch.from_numpy(batches.crops.labels()))
    for parameter in training.network.trunk.parameters():
        if parameter.dim() == 4:  # convolutions run twice as fast on a CPU with channels last
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    trainer = make_trainer(
        settings.output,
        steps=settings.train.steps,
        clip=5.0,
        precision=settings.processes.precision,
        devices=settings.processes.devices,
        save_every=settings.save_every,
        average=settings.train.average,
    )
    trainer.fit(
        training, make_loader(batches, settings.processes.workers), ckpt_path=settings.resume
    )
    trainer.save_checkpoint(settings.output / "final.ckpt")


if __name__ == "__main__":
    raise SystemExit(main())
