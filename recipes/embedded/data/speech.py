"""Speech probability of the training utterances by an openly licensed VAD (Silero VAD 6, MIT).

Single-speaker recordings carry pauses, breaths and clicks. Conversations made of them need to know
which frames are speech, and use what is not as noise.

    python -m recipes.embedded.data.speech --data ../shared --output PACKED/train/speech.npz
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.segmentation.silero import SileroNetwork
from eval.simulate.voices import speech_probability
from recipes.embedded.data.prepare import Waveform, read_training, training_shards


def detect(network: SileroNetwork, audio: Waveform) -> NDArray[np.uint8]:
    """Probability of speech in every 32 ms, in steps of 1 / 255."""
    return np.round(speech_probability(network, audio) * 255).astype(np.uint8)


def detect_shard(shard: Path) -> dict[str, NDArray[np.uint8]]:
    network = SileroNetwork()
    return {name: detect(network, audio) for name, audio in read_training(shard)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    shards = training_shards(arguments.data / "speech")
    with ProcessPoolExecutor(arguments.workers) as pool:
        found = {k: v for part in pool.map(detect_shard, shards) for k, v in part.items()}
    chunks = np.array([len(part) for part in found.values()])
    probability = np.concatenate(list(found.values()))
    np.savez(arguments.output, utterance=list(found), chunks=chunks, probability=probability)


if __name__ == "__main__":
    main()
