"""A tiny embedded model: encoder and segmentation head with random weights, and voices for it.

The command line runs it in place of the embedded model (``--encoder CARD``), so that its tests go
through the whole library within a fraction of a second.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.checkpoint import write_checkpoint
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig

__all__ = ["VOICES", "tone", "write_tiny_model", "write_voices"]

VOICES = {"ann": 200.0, "ben": 400.0, "eve": 800.0}
"""Speakers, and the frequency in Hz of the tone that stands for each."""

TRUNK = TrunkConfig(
    front_channels=(4, 4),
    front_pairs=(1, 1),
    coarse_channels=4,
    coarse_pairs=1,
    width=16,
    dilations=(1, 2),
)
NETWORK = SpeakerNetworkConfig(trunk=TRUNK, pooled_channels=16, dimension=8, prefixes=(4,))
HEAD = SegmentationHeadConfig(width=16, channels=8, layers=1, heads=2, kernel=3)
SINGLE_SPEAKER = 1
"""Class of the segmentation head: the first local speaker alone."""


def write_tiny_model(folder: Path, *, seed: int = 0) -> Path:
    """Write ``tiny.json`` and its weights, and return the card.

    The encoder tells the tones of :data:`VOICES` apart: their mean is taken off, as the fitted
    whitening of the embedded model does. All of a recording is speech of one local speaker.
    Another seed gives another embedding space.
    """
    torch.manual_seed(seed)
    network, head = SpeakerNetwork(NETWORK), SegmentationHead(HEAD)
    encoder = LocalEncoder(deepcopy(network), "")  # folds batch norms away in place
    vectors = [encoder.embed(tone(name), SAMPLE_RATE) for name in VOICES]
    network.utterance.whitening.mean[: NETWORK.dimension] = torch.from_numpy(np.mean(vectors, 0))
    torch.nn.init.zeros_(head.classify.weight)
    torch.nn.init.zeros_(head.classify.bias)
    head.classify.bias.data[SINGLE_SPEAKER] = 10.0
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"activity.{name}": value for name, value in head.state_dict().items()}
    card = folder / "tiny.json"
    described = {"name": "tiny", "network": asdict(NETWORK), "activity": asdict(HEAD)}
    write_checkpoint(card, tensors, described)
    return card


def tone(name: str, seconds: float = 3.0, *, seed: int = 0) -> NDArray[np.float32]:
    """Tone of a speaker in a little noise, ``(time,)`` at 16 kHz, a pause in its first sixth."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(seed).normal(size=len(time))
    voice = 0.3 * np.sin(2 * np.pi * VOICES[name] * time) * (time >= seconds / 6)
    return (voice + 0.001 * noise).astype(np.float32)


def write_voices(folder: Path, takes: int = 3, seconds: float = 3.0) -> dict[str, list[Path]]:
    """Write recordings ``ann0.wav``, ... of each speaker."""
    written: dict[str, list[Path]] = {}
    for name in VOICES:
        for take in range(takes):
            file = folder / f"{name}{take}.wav"
            soundfile.write(file, tone(name, seconds, seed=take), SAMPLE_RATE)
            written.setdefault(name, []).append(file)
    return written
