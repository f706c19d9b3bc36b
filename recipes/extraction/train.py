"""Train an extractor on mixtures that are drawn anew at every step.

    python -m recipes.extraction.train --packed PACKED --output RUN --steps 9000 \
        [--architecture band-split] [--cue utterance+map] [--resume RUN/last.ckpt]

Two voices at a time in short mixtures come first; noise, rooms, third voices and absent targets
come when the network can tell voices apart:

    ... train --output FIRST --clean --seconds 1.5 --batch-size 12 --learning-rate 3e-3
    ... train --output SECOND --start FIRST/final.ckpt

The speaker encoder is frozen, and its vectors are packed, unless ``--joint-encoder``. Training that
was interrupted goes on with ``--resume`` and the batches that it would have had.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

import diarspk
from recipes.embedded.trainer import schedule_rate, steps_done
from recipes.extraction.cues import BatchCues, JointEncoder
from recipes.extraction.data import BatchConfig, ExtractionBatches, Voices, read_voices
from tse.conditioning import ConditioningConfig
from tse.cues import CUES, CueSource, make_cue_source
from tse.losses import ExtractionLoss, SpeakerLoss, si_sdr_loss
from tse.mixing import MixtureConfig
from tse.models import (
    ARCHITECTURES,
    CrossAttentionConfig,
    ExtractionNetwork,
    build_network,
    describe_network,
)
from tse.models.architectures import NetworkConfig

VALIDATION_SEED = 777

Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation settings; they are stored in the checkpoint."""

    steps: int
    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    weight_decay: float = 0.01
    clip: float = 5.0
    objective: str = "spectrum+snr"
    absent_weight: float = 0.5
    speaker_weight: float = 0.0  # of the multi-task loss; 0.1 where the cue is learned
    joint_encoder: bool = False
    encoder_rate: float = 0.1  # of the learning rate, for the joint encoder


class ExtractionTraining(lightning.LightningModule):
    """Optimisation steps of an extractor."""

    def __init__(
        self,
        network: NetworkConfig,
        train: TrainConfig,
        cues: BatchCues,
        *,
        joint: JointEncoder | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"network": describe_network(network), "train": asdict(train), "cue": cues.name}
        )
        self.train_config, self.cues = train, cues
        self.network = build_network(network)
        self.criterion = ExtractionLoss(train.objective, absent_weight=train.absent_weight)
        self.joint = joint
        width = self.network.reader.config.width
        self.speaker_loss = (
            SpeakerLoss(width, len(cues.speakers)) if train.speaker_weight > 0 else None
        )

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        mixture, target, present = batch["mixture"], batch["target"], batch["present"]
        estimate, vector = self.extract(batch)
        loss = self.criterion(estimate, target, mixture, present)
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
        self.log("validation_gain", gain.mean(), batch_size=len(gain), prog_bar=True)
        accepted = (gain > 1).float().mean()
        self.log("validation_acceptance", accepted, batch_size=len(gain))

    def extract(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Estimates, and the network's reading of the cue."""
        cue = self.cues(batch)
        if self.joint is not None and "enrolment" in batch:
            cue = replace(cue, vector=self.joint(batch["enrolment"], batch["enrolment_samples"]))
        framing = self.network.framing
        conditioning = self.network.condition(cue)
        frames = framing.split(batch["mixture"])
        frames = self.network.extract_frames(frames, conditioning, None)
        return framing.join(frames, batch["mixture"].shape[1]), conditioning.vector

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        config = self.train_config
        own = [p for name, p in self.named_parameters() if not name.startswith("joint.")]
        groups = [{"params": own, "lr": config.learning_rate}]
        if self.joint is not None:
            rate = config.learning_rate * config.encoder_rate
            groups.append({"params": list(self.joint.parameters()), "lr": rate})
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        return schedule_rate(optimizer, steps=config.steps, warmup_steps=config.warmup_steps)


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
    network: NetworkConfig, train: TrainConfig, cue: str, speakers: list[str]
) -> ExtractionTraining:
    """Put network, cue and encoder together."""
    encoder = diarspk.load_encoder()
    source = make_cue_source(cue, encoder, speakers)
    joint = JointEncoder(diarspk.load_encoder()) if train.joint_encoder else None
    return ExtractionTraining(
        fit_conditioning(network, source), train, BatchCues(cue, source, speakers), joint=joint
    )


def begin_as_separator(network: ExtractionNetwork, trained: Mapping[str, Tensor]) -> int:
    """Take over a trained network but for its reading of the cue and its fusion.

    Parameters
    ----------
    trained : mapping
        State of the other network, whose cue, fusion and even architecture may differ: only what
        has the same name and shape is taken.

    Returns
    -------
    int
        Parameters that were taken.
    """
    own = network.state_dict()
    taken = {
        name: tensor
        for name, tensor in trained.items()
        if name in own
        and own[name].shape == tensor.shape
        and not name.startswith("reader.")
        and ".fusion." not in name
    }
    network.load_state_dict(taken, strict=False)
    return sum(tensor.numel() for tensor in taken.values())


def batches_for(
    cue: str,
    voices: Voices,
    packed: Path,
    config: BatchConfig,
    *,
    seed: int,
    first: int = 0,
) -> ExtractionBatches:
    """Training batches; levels are dropped only of the cue that has two of them packed."""
    if cue != "utterance+map":
        without = 1.0 if cue == "utterance" else 0.0
        config = replace(config, drop_vector=0.0, drop_enrolment=without)
    noise, rooms = read_voices(packed / "noise"), np.load(packed / "rooms.npy", mmap_mode="r")
    return ExtractionBatches(voices, noise, rooms, config, seed=seed, first=first)


def two_clean_voices(seconds: float) -> MixtureConfig:
    """Make settings of the easiest mixtures that there are."""
    return MixtureConfig(
        seconds=seconds,
        speakers=(0.0, 1.0),
        absent_probability=0.0,
        noise_probability=0.0,
        room_probability=0.0,
    )


def validation_batches(packed: Path, *, seconds: float, batches: int = 4) -> ExtractionBatches:
    """Draw fixed clean mixtures of two dev speakers."""
    config = BatchConfig(two_clean_voices(seconds), drop_vector=0.0, drop_enrolment=0.0)
    return ExtractionBatches(
        read_voices(packed / "dev"), None, None, config, seed=VALIDATION_SEED, batches=batches
    )


def make_trainer(
    output: Path,
    train: TrainConfig,
    *,
    precision: Precision,
    validate_every: int,
    save_every: int,
) -> lightning.Trainer:
    """Log to ``output/metrics.csv``; keep the last checkpoint."""
    checkpoint = ModelCheckpoint(
        output, every_n_train_steps=save_every, save_last=True, save_top_k=0
    )
    return lightning.Trainer(
        accelerator="auto",
        devices=1,
        max_steps=train.steps,
        precision=precision,
        logger=CSVLogger(output, name="", version=""),
        callbacks=[checkpoint],
        log_every_n_steps=20,
        val_check_interval=validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        gradient_clip_val=train.clip,
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="band-split")
    parser.add_argument("--cue", choices=CUES, default="utterance+map")
    parser.add_argument("--fusion", help="in the place of the architecture's own")
    parser.add_argument(
        "--objective", choices=list(ExtractionLoss.OBJECTIVES), default=TrainConfig.objective
    )
    parser.add_argument("--learning-rate", type=float, default=TrainConfig.learning_rate)
    parser.add_argument("--speaker-weight", type=float, default=TrainConfig.speaker_weight)
    parser.add_argument("--joint-encoder", action="store_true")
    parser.add_argument("--batch-size", type=int, default=BatchConfig.size)
    parser.add_argument("--seconds", type=float, default=MixtureConfig.seconds)
    parser.add_argument("--clean", action="store_true", help="two voices, without noise and rooms")
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="32-true",
        help="bf16-mixed where it is fast",
    )
    parser.add_argument("--validate-every", type=int, default=500)
    parser.add_argument("--save-every", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument(
        "--separator",
        type=Path,
        help="checkpoint of another cue or fusion, to begin with its weights but for these",
    )
    parser.add_argument("--resume", type=Path, help="checkpoint of this run to go on from")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    lightning.seed_everything(arguments.seed)
    train = TrainConfig(
        steps=arguments.steps,
        warmup_steps=max(min(TrainConfig.warmup_steps, arguments.steps // 5), 1),
        learning_rate=arguments.learning_rate,
        objective=arguments.objective,
        speaker_weight=arguments.speaker_weight,
        joint_encoder=arguments.joint_encoder,
    )
    network = ARCHITECTURES[arguments.architecture]
    if arguments.fusion and not isinstance(network, CrossAttentionConfig):
        network = replace(network, fusion=arguments.fusion)
    draw = two_clean_voices if arguments.clean else MixtureConfig
    config = BatchConfig(draw(seconds=arguments.seconds), arguments.batch_size)
    voices = read_voices(arguments.packed / "train")
    done = 0 if arguments.resume is None else steps_done(arguments.resume)
    data = batches_for(
        arguments.cue, voices, arguments.packed, config, seed=arguments.seed, first=done
    )
    training = make_training(network, train, arguments.cue, data.speakers)
    if arguments.start is not None:
        state = torch.load(arguments.start, "cpu", weights_only=True)["state_dict"]
        training.load_state_dict(state)
    if arguments.separator is not None:
        state = torch.load(arguments.separator, "cpu", weights_only=True)["state_dict"]
        trained = {name.removeprefix("network."): tensor for name, tensor in state.items()}
        count = begin_as_separator(training.network, trained)
        print(f"begins with {count} parameters of {arguments.separator.name}")
    trainer = make_trainer(
        arguments.output,
        train,
        precision=arguments.precision,
        validate_every=arguments.validate_every,
        save_every=arguments.save_every,
    )
    # Batches are made in a process of their own, beside the threads that train.
    loader = DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4)
    validation = None
    if arguments.cue != "one-hot":
        dev = validation_batches(arguments.packed, seconds=MixtureConfig.seconds)
        validation = DataLoader(dev, batch_size=None)
    trainer.fit(training, loader, validation, ckpt_path=arguments.resume)
    trainer.save_checkpoint(arguments.output / "final.ckpt")


if __name__ == "__main__":
    main()
