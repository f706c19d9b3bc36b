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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader

from eval.command_line import command, one_of
from recipes.extraction.batches import (
    VALIDATION_BATCHES,
    batches_for,
    two_clean_voices,
    validation_batches,
)
from recipes.extraction.data import BatchConfig
from recipes.extraction.encoders import load_encoders
from recipes.extraction.network import NetworkSettings, choose_network
from recipes.extraction.training import TrainConfig, make_training
from recipes.extraction.warm_start import (
    OF_A_JOINT_ENCODER,
    begin_as_separator,
    load_warm_start,
    translate_vectors,
)
from recipes.training.sharing import Share, share_of_process
from recipes.training.trainer import ProcessSettings, make_loader, make_trainer
from recipes.training.warm_start import read_warm_start
from tse.cue_sources import CUES
from tse.loading import load_extractor
from tse.mixing import MixtureConfig


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
