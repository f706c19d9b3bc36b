"""Speech probability of the training utterances by an openly licensed VAD (Silero VAD 6, MIT).

Single-speaker recordings carry pauses, breaths and clicks. Conversations made of them need to know
which frames are speech, and use what is not as noise.

    python -m recipes.embedded.data.speech --data ../shared --output PACKED/train/speech.npz
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.segmentation.silero import SileroNetwork
from eval.command_line import command
from eval.simulate.voices import speech_probability
from recipes.embedded.data.shards import Waveform, read_training, training_shards


def detect(network: SileroNetwork, audio: Waveform) -> NDArray[np.uint8]:
    """Probability of speech in every 32 ms, in steps of 1 / 255."""
    return np.round(speech_probability(network, audio) * 255).astype(np.uint8)


def detect_shard(shard: Path) -> dict[str, NDArray[np.uint8]]:
    network = SileroNetwork()
    return {name: detect(network, audio) for name, audio in read_training(shard)}


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/."""
    output: Path
    """File to write, speech.npz."""
    workers: int = 2
    """Number of processes."""


@command
def main(settings: Settings) -> None:
    shards = training_shards(settings.data / "speech")
    with ProcessPoolExecutor(settings.workers) as pool:
        found = {k: v for part in pool.map(detect_shard, shards) for k, v in part.items()}
    chunks = np.array([len(part) for part in found.values()])
    probability = np.concatenate(list(found.values()))
    with atomic_path(settings.output) as part, part.open("wb") as stream:
        np.savez(stream, utterance=list(found), chunks=chunks, probability=probability)


if __name__ == "__main__":
    raise SystemExit(main())
