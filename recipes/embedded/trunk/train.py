"""Train the shared trunk with its utterance head and its segmentation head.

    python -m recipes.embedded.trunk.train --packed PACKED --speakers PACKED/train/speakers.tsv \
        --annotations ../shared/conversations/annotations --output RUN --steps 9000 \
        [--resume RUN/last.ckpt] [--optimizer muon --precision bf16-mixed --devices 2]

:mod:`recipes.embedded.trunk.training` says what a step is. The teacher's space is rotated to its
principal axes first, so that a prefix carries the most that so few can. Where the network to start
with has a whitening (see ``whitening.py``), the teacher goes through it too. ``--centred`` takes
that whitening away again, turns embeddings to the teacher's axes and takes its mean off both; in
the end a whitening is fitted anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import lightning
import torch
from torch.utils.data import IterableDataset

from diarspk.encoders.local.network import SpeakerNetworkConfig
from diarspk.segmentation.segmentation_head import SegmentationHeadConfig
from eval.command_line import command
from recipes.embedded.data.conversations import Conversations
from recipes.embedded.data.crops import SpeakerCrops
from recipes.embedded.data.data_module import DataSettings, read_training_data
from recipes.embedded.trunk.joining import fit_teacher_frames, initialize_classes, join_teacher
from recipes.embedded.trunk.net2net import load_warm_start
from recipes.embedded.trunk.training import Batch, EncoderTraining, TrainConfig
from recipes.training.sharing import EVERYTHING, Share, share_of_process
from recipes.training.trainer import ProcessSettings, make_loader, make_trainer
from recipes.training.warm_start import read_warm_start

NORM_SEED = 12345
"""Added to the seed for the batches of the final batch-norm statistics, new to the training."""

JOINING_BATCHES = 120
"""Batches for the rotation to the teacher's axes: ten would fit it to their noise."""


class Pairs(IterableDataset[dict[str, Batch]]):
    """A batch of crops beside one of conversations, as the sources' own seeds have it.

    Where conversations have a thinned share, steps between have crops alone.
    """

    def __init__(self, crops: SpeakerCrops, conversations: Conversations) -> None:
        self.crops, self.conversations = crops, conversations

    def __iter__(self) -> Iterator[dict[str, Batch]]:
        numbers = zip(self.crops.share, self.crops, strict=True)
        windows = zip(self.conversations.share, self.conversations, strict=True)
        following = next(windows, None)
        for number, crops in numbers:
            if following is not None and following[0] == number:
                yield {"crops": crops, "conversations": following[1]}
                following = next(windows, None)
            else:
                yield {"crops": crops}


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

    def draw(seed: int, share: Share, every: int = 1) -> Pairs:
        crops = data.crops(seed=seed, share=share)
        return Pairs(crops, data.conversations(seed=seed, share=share.thinned(every)))

    batches = draw(
        settings.seed,
        share_of_process(settings.processes.devices, settings.resume),
        settings.train.conversations_every,
    )
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
        join_teacher(training, joining)
        fit_teacher_frames(training, joining)
    if settings.resume is None:
        initialize_classes(training, torch.from_numpy(batches.crops.labels()))
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
