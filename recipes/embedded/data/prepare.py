"""Pack the training speech and noise into one array of log-mel features.

Every utterance is stored as recorded and in degraded copies: rooms, noise, codecs, telephone and
far-field bands, and four speeds that count as other speakers. Gain, spectral tilt and further noise
are cheap on log-mel power and are drawn anew at every training step (``augmentation.py``).

    python -m recipes.embedded.data.prepare --data ../shared --output PACKED [--workers 2]
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.features.log_mel import LogMel
from eval.command_line import command
from recipes.embedded.data.degradation import SPEED, degrade
from recipes.embedded.data.rooms_and_noise import (
    gather_noises,
    read_impulse_responses,
    simulate_rooms,
)
from recipes.embedded.data.shards import (
    Waveform,
    read_shard,
    read_training,
    seed_of,
    training_shards,
)
from recipes.embedded.data.speakers import UNKNOWN, read_speakers

ALTERED_UTTERANCES = 2
"""Utterances of each speaker that are packed slower and faster too."""

VARIANTS = ("recorded", "room", "room", "noisy", "channel", *SPEED)


@dataclass(frozen=True)
class Packed:
    """Features of one list of recordings: ``(frames, mels)`` and a row of the index for each."""

    features: NDArray[np.float16]
    rows: list[dict[str, str | int]]


def altered_utterances(speakers: dict[str, str]) -> frozenset[str]:
    """Utterances that are packed, and embedded by the teacher, slower and faster too.

    They are the first :data:`ALTERED_UTTERANCES` of each speaker who is known.
    """
    count: Counter[str] = Counter()
    altered = set()
    for name, speaker in sorted(speakers.items()):
        count[speaker] += 1
        if speaker != UNKNOWN and count[speaker] <= ALTERED_UTTERANCES:
            altered.add(name)
    return frozenset(altered)


class Packer:
    """Collects waveforms as float16 log-mel features with an index row each."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self.log_mel = LogMel()
        self.blocks: list[NDArray[np.float16]] = []
        self.rows: list[dict[str, str | int]] = []

    def add(self, audio: Waveform, **row: str | int) -> None:
        with torch.inference_mode():
            features = self.log_mel(torch.from_numpy(np.ascontiguousarray(audio))[None])[0]
        self.blocks.append(features.half().numpy())
        self.rows.append({**row, "frames": len(features)})

    def finish(self) -> Packed:
        return Packed(np.concatenate(self.blocks), self.rows)


@dataclass(frozen=True)
class Degradations:
    """Copies that are packed of an utterance, and what they are made with."""

    rooms: list[Waveform]
    noises: list[Waveform]
    altered: frozenset[str]

    def copies(self, utterance: str) -> tuple[str, ...]:
        """Variants that an utterance is packed in."""
        plain = tuple(variant for variant in VARIANTS if variant not in SPEED)
        return VARIANTS if utterance in self.altered else plain


def pack_part(shard: Path, part: int, parts: int, degradations: Degradations) -> Packed:
    """Features of every ``parts``-th utterance of one shard of training in every variant."""
    packer = Packer()
    for utterance, audio in read_training(shard, part, parts):
        for copy, variant in enumerate(degradations.copies(utterance)):
            generator = np.random.default_rng([seed_of(utterance), copy])
            made = degrade(audio, variant, degradations.rooms, degradations.noises, generator)
            packer.add(made, utterance=utterance, variant=variant)
    return packer.finish()


def pack_recorded(shard: Path) -> Packed:
    """Features of every utterance of a shard as it was recorded."""
    packer = Packer()
    for utterance, audio in read_shard(shard):
        packer.add(audio, utterance=utterance, variant="recorded")
    return packer.finish()


def pack_noise(noises: dict[str, Waveform]) -> Packed:
    packer = Packer()
    for name, audio in noises.items():
        packer.add(audio, utterance=name, variant="noise")
    return packer.finish()


def write(parts: Iterable[Packed], output: Path) -> None:
    """``features.npy`` (memory-mappable) and ``index.csv`` with each entry's first frame.

    Parts are written as they come, so that one at a time is in memory. NumPy leaves room in a
    header for the first axis to grow.
    """
    output.mkdir(parents=True, exist_ok=True)
    start = mels = 0
    with (
        (output / "index.csv").open("w", newline="") as stream,
        (output / "features.npy").open("wb") as features,
    ):
        table = csv.DictWriter(stream, ["utterance", "variant", "start", "frames"])
        table.writeheader()
        for part in parts:
            mels = part.features.shape[1]
            if not start:
                _write_header(features, 0, mels)
            features.write(np.ascontiguousarray(part.features).tobytes())
            for row in part.rows:
                table.writerow({**row, "start": start})
                start += int(row["frames"])
        features.seek(0)
        _write_header(features, start, mels)
    (output / "packed.json").write_text(json.dumps({"frames": start, "mels": mels}))


def _write_header(stream: BinaryIO, frames: int, mels: int) -> None:
    description = np.lib.format.dtype_to_descr(np.dtype(np.float16))
    header = {"descr": description, "fortran_order": False, "shape": (frames, mels)}
    np.lib.format.write_array_header_1_0(stream, header)


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/ and noise/."""
    output: Path
    """Folder to pack into."""
    workers: int = 2
    """Number of processes."""
    seed: int = 0
    """Seed of rooms and noise."""


@command
def main(settings: Settings) -> None:
    generator = np.random.default_rng(settings.seed)
    rooms = read_impulse_responses(settings.data / "noise" / "rir")
    rooms += simulate_rooms(300, generator)
    noises = gather_noises(settings.data / "noise" / "noise", generator)
    speech = settings.data / "speech"
    speakers = read_speakers(speech / "train.tsv", speech / "extra.tsv")
    degradations = Degradations(rooms, list(noises.values()), altered_utterances(speakers))
    write([pack_recorded(speech / "dev-00.tar")], settings.output / "dev")
    write([pack_noise(noises)], settings.output / "noise")
    parts = 8
    tasks = [(shard, part) for shard in training_shards(speech) for part in range(parts)]
    with ProcessPoolExecutor(settings.workers) as pool:
        packed = pool.map(
            pack_part,
            [shard for shard, _ in tasks],
            [part for _, part in tasks],
            repeat(parts),
            repeat(degradations),
        )
        write(packed, settings.output / "train")


if __name__ == "__main__":
    raise SystemExit(main())
