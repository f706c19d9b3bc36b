"""Train an extractor on mixtures that are drawn anew at every step.

    python -m recipes.extraction.train --packed PACKED --output RUN --steps 9000 \
        [--architecture band-split] [--cue utterance+map] [--encoder NAME ...] \
        [--resume RUN/last.ckpt]

Two voices at a time in short mixtures come first; noise, rooms, third voices and absent targets
come when the network can tell voices apart:

    ... train --output FIRST --clean --seconds 1.5 --batch-size 12 --learning-rate 3e-3
    ... train --output SECOND --start FIRST/final.ckpt

The speaker encoders are frozen, and their vectors are packed, unless ``--joint-encoder``; of a
frozen front end the weights of its layers are learned. Training that was interrupted goes on with
``--resume`` and the batches that it would have had. ``--start`` may also name the card of an
exported extractor, and ``--blocks`` and ``--hidden`` a larger network than it has, which begins by
computing the same; a causal network begins with what it can use of one that looks ahead, and
``--teacher`` lets it learn from that one's outputs, too. If the weights are of an extractor for
another speaker encoder, ``--vectors-before`` is that encoder's ``vectors.npy`` of the same packed
pieces. With ``--devices 2`` two processes each have batches of their own, and step together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.errors import ArgumentError
from eval.command_line import command, one_of
from recipes.extraction.cue_vectors import make_cue_vectors
from recipes.extraction.cues import BatchCues
from recipes.extraction.data import BatchConfig, ExtractionBatches, Voices, read_voices
from recipes.extraction.encoders import CueEncoders, load_encoders
from recipes.extraction.warm_start import (
    OF_A_JOINT_ENCODER,
    begin_as_separator,
    load_warm_start,
    translate_vectors,
)
from recipes.training.optimizer import make_optimizer, split_parameters
from recipes.training.sharing import Share, share_of_process
from recipes.training.trainer import (
    OptimizationConfig,
    ProcessSettings,
    make_loader,
    make_trainer,
    schedule_rate,
)
from recipes.training.warm_start import read_warm_start
from tse.cue_sources import CUES, CueSource, make_cue_source
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.losses import ExtractionLoss, SpeakerLoss, si_sdr_loss
from tse.mixing import MixtureConfig
from tse.models import (
    ARCHITECTURES,
    BandSplitConfig,
    CrossAttentionConfig,
    build_network,
    describe_network,
)
from tse.models.architectures import NetworkConfig
from tse.models.conditioning import ConditioningConfig
from tse.models.network import LEAD_SAMPLES, ExtractionNetwork

VALIDATION_SEED = 777
VALIDATION_BATCHES = 50  # of six mixtures
VALIDATION_SECONDS = 4.0


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


def fit_conditioning(network: NetworkConfig, source: CueSource) -> NetworkConfig:
    """Give a network the sizes of a cue."""
    if isinstance(network, CrossAttentionConfig):
        return network
    width = network.conditioning.width
    sizes = ConditioningConfig(source.vector_size, source.sequence_size, width)
    return replace(network, conditioning=sizes)


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


def batches_for(
    cue: str,
    voices: Voices,
    packed: Path,
    config: BatchConfig,
    *,
    seed: int,
    share: Share,
    tuned: bool = False,
) -> ExtractionBatches:
    """Training batches; levels are dropped only of the cue that has two of them packed.

    Encoders that are ``tuned`` read every enrolment.
    """
    if tuned or cue != "utterance+map":
        without = 1.0 if cue == "utterance" and not tuned else 0.0
        config = replace(config, drop_vector=0.0, drop_enrolment=without)
    noise, rooms = read_voices(packed / "noise"), np.load(packed / "rooms.npy", mmap_mode="r")
    return ExtractionBatches(voices, noise, rooms, config, seed=seed, share=share)


def two_clean_voices(seconds: float) -> MixtureConfig:
    """Make settings of the easiest mixtures that there are."""
    return MixtureConfig(
        seconds=seconds,
        speakers=(0.0, 1.0),
        absent_probability=0.0,
        noise_probability=0.0,
        room_probability=0.0,
    )


def validation_batches(voices: Voices, *, share: Share) -> ExtractionBatches:
    """Draw fixed clean mixtures of two dev speakers who talk all the time, a share of 300."""
    mixtures = replace(two_clean_voices(VALIDATION_SECONDS), overlap=(1.0, 1.0))
    config = BatchConfig(mixtures, drop_vector=0.0, drop_enrolment=0.0)
    return ExtractionBatches(voices, None, None, config, seed=VALIDATION_SEED, share=share)


@dataclass(frozen=True)
class NetworkSettings:
    """Network of the extractor."""

    architecture: Annotated[str, one_of(ARCHITECTURES)] = "band-split"
    """Architecture."""
    fusion: str | None = None
    """Fusion, in the place of the architecture's own."""
    blocks: int | None = None
    """Blocks of bands, in the place of its own."""
    hidden: int | None = None
    """Channels of its paths within bands, likewise."""
    attention_heads: int | None = None
    """Attention heads of its frames, likewise."""


@dataclass(frozen=True)
class Settings:
    network: NetworkSettings
    train: TrainConfig
    processes: ProcessSettings
    packed: Path
    """Folder that recipes.extraction.prepare has packed."""
    output: Path
    """Folder of the checkpoints."""
    cue: Annotated[str, one_of(CUES)] = "utterance+map"
    """What the extractor reads of the speaker."""
    encoder: Sequence[str] = ()
    """Speaker encoders: names, cards, checkpoints, s3prl:NAME, hf:NAME; none: the embedded one."""
    batch_size: int = BatchConfig.size
    """Mixtures in a batch."""
    seconds: float = MixtureConfig.seconds
    """Length of a mixture."""
    clean: bool = False
    """Two voices, without noise and rooms."""
    alike: float = BatchConfig.alike_probability
    """Share of mixtures whose voices are alike."""
    vary: float = BatchConfig.vary_probability
    """Share of voices that pass an equalizer, and of others at another speed."""
    validate_every: int = 500
    """Steps between validations."""
    save_every: int = 250
    """Steps between checkpoints."""
    seed: int = 0
    """Seed of the weights and the batches."""
    start: Path | None = None
    """Checkpoint or card whose weights to begin with."""
    vectors_before: Path | None = None
    """File vectors.npy of the encoder that those weights were trained with."""
    separator: Path | None = None
    """Checkpoint of another cue or fusion, to begin with its weights but for these."""
    teacher: str | None = None
    """Extractor whose outputs are learned beside the targets: a name, or a card."""
    resume: Path | None = None
    """Checkpoint of this run to go on from."""


def choose_network(settings: NetworkSettings) -> NetworkConfig:
    """Take the named architecture with what the settings say otherwise."""
    name = settings.architecture
    network = ARCHITECTURES[name]
    if settings.attention_heads and not isinstance(network, BandSplitConfig):
        raise ArgumentError(f"--attention-heads are of band-split extractors, not of {name}")
    if settings.fusion and not isinstance(network, CrossAttentionConfig):
        network = replace(network, fusion=settings.fusion)
    named = ("blocks", "hidden", "attention_heads")
    sizes = {name: value for name in named if (value := getattr(settings, name))}
    if isinstance(network, CrossAttentionConfig):
        return replace(network, backbone=replace(network.backbone, **sizes))
    if sizes and not isinstance(network, BandSplitConfig):
        raise ArgumentError(f"--blocks and --hidden are of bands, not of {name}")
    return replace(network, **sizes)


@command
def main(settings: Settings) -> None:
    lightning.seed_everything(settings.seed)
    train = settings.train
    train = replace(train, warmup_steps=max(min(train.warmup_steps, train.steps // 5), 1))
    network = choose_network(settings.network)
    draw = two_clean_voices if settings.clean else MixtureConfig
    config = BatchConfig(
        draw(seconds=settings.seconds),
        settings.batch_size,
        alike_probability=settings.alike,
        vary_probability=settings.vary,
    )
    encoders = load_encoders(settings.cue, settings.encoder, tuned=train.joint_encoder)
    voices = encoders.read_voices(settings.packed / "train")
    share = share_of_process(settings.processes.devices, settings.resume)
    data = batches_for(
        settings.cue,
        voices,
        settings.packed,
        config,
        seed=settings.seed,
        share=share,
        tuned=train.joint_encoder,
    )
    teacher = None if settings.teacher is None else load_extractor(settings.teacher)
    training = make_training(network, train, settings.cue, data.speakers, encoders, teacher)
    if settings.start is not None:
        load_warm_start(training, read_warm_start(settings.start, **OF_A_JOINT_ENCODER))
    if settings.vectors_before is not None:
        before, after = np.load(settings.vectors_before), encoders.packed_vectors(voices)
        explained = translate_vectors(
            training.network.reader, torch.from_numpy(before), torch.from_numpy(after)
        )
        print(f"the encoder's vectors explain {explained:.1%} of those before")
    if settings.separator is not None:
        state = read_warm_start(settings.separator, **OF_A_JOINT_ENCODER)
        trained = {name.removeprefix("network."): tensor for name, tensor in state.items()}
        count = begin_as_separator(training.network, trained)
        print(f"begins with {count} parameters of {settings.separator.name}")
    trainer = make_trainer(
        settings.output,
        steps=train.steps,
        clip=train.clip,
        accelerator="auto",
        precision=settings.processes.precision,
        devices=settings.processes.devices,
        save_every=settings.save_every,
        validate_every=settings.validate_every,
        average=train.average,
    )
    loader = make_loader(data, settings.processes.workers)
    validation = None
    if settings.cue != "one-hot":
        part = Share(share.first % share.step, share.step, VALIDATION_BATCHES)
        dev = validation_batches(encoders.read_voices(settings.packed / "dev"), share=part)
        validation = DataLoader(dev, batch_size=None)
    trainer.fit(training, loader, validation, ckpt_path=settings.resume)
    trainer.save_checkpoint(settings.output / "final.ckpt")


if __name__ == "__main__":
    raise SystemExit(main())
