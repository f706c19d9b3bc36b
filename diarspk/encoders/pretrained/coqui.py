"""The speaker encoder of Coqui's synthesizers: H/ASP, alone (YourTTS) or inside of XTTS.

``model_se.pth`` beside YourTTS holds it alone, ``model.pth`` of XTTS among everything else. YourTTS
reads the mean of ten windows of 2.5 s (Coqui's ``compute_embedding``), XTTS one vector of a whole
clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.architectures.se_resnet import SeResNet, SeResNetConfig
from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import Waveform
from diarspk.encoders.front_end import FrontEnd
from diarspk.encoders.windowed import WindowedEncoder

__all__ = [
    "INERT",
    "CoquiEncoder",
    "CoquiFrontEnd",
    "is_coqui",
    "load_coqui",
    "speaker_encoder_state",
]

INERT = ("TTS.", "trainer.", "coqpit.")
"""Packages of the settings that lie beside the tensors; placeholders take their place."""

INSIDE_XTTS = "hifigan_decoder.speaker_encoder."
COMPUTED = ("torch_spec.", "instancenorm.")
"""Buffers of the features, which are computed here."""

FRONT_FLOOR = 1e-6
NORM_FLOOR = 1e-5

WINDOW_FRAMES = 250
WINDOWS = 10


class CoquiFrontEnd(FrontEnd):
    """Log-mel energies, each mel with mean 0 and deviation 1 over the utterance.

    Pre-emphasis over a mirrored sample, centred and mirrored frames of 25 ms under a periodic
    Hamming window, a Fourier transform of 512 samples, HTK's mel scale; as torchaudio does it.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = 160
    size = 400
    transform = 512

    def __init__(self, mels: int = 64) -> None:
        self.window = torch.hamming_window(self.size)
        self.filters = _filters(mels, self.transform // 2 + 1, self.sample_rate)

    def __call__(self, waveform: Tensor) -> Tensor:
        """Compute ``(frames, mels)``."""
        mirrored = torch.cat([waveform[1:2], waveform])
        sharp = mirrored[1:] - 0.97 * mirrored[:-1]
        spectrum = torch.stft(
            sharp,
            self.transform,
            self.hop_samples,
            self.size,
            window=self.window,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
        features = (power.T @ self.filters + FRONT_FLOOR).log()
        centred = features - features.mean(dim=0)
        return centred / (centred.square().mean(dim=0) + NORM_FLOOR).sqrt()

    def samples_for(self, inputs: int) -> int:
        """Frame shifts up to the last frame, and enough to be mirrored."""
        return max(self.transform // 2 + 1, (inputs - 1) * self.hop_samples)

    def describe(self) -> str:
        """Describe the settings of the features."""
        return f"Coqui log-mel {tuple(self.filters.shape)}"


class CoquiEncoder(WindowedEncoder):
    """Encoder of YourTTS: the mean of ten windows of 2.5 s, evenly spread."""

    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`."""
        length = WINDOW_FRAMES * self.front_end.hop_samples
        rows = []
        for part in parts:
            starts = np.linspace(0, max(len(part) - length, 0), WINDOWS).astype(int)
            windows = [part[start : start + length] for start in dict.fromkeys(starts.tolist())]
            vectors = super().embed_parts(windows)
            counts = np.unique(starts, return_counts=True)[1]
            rows.append(np.average(vectors, axis=0, weights=counts))
        means = np.stack(rows)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def speaker_encoder_state(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the speaker encoder's tensors out of a checkpoint of XTTS; others stay as they are."""
    inner = checkpoint.get("model")
    found = inner if isinstance(inner, Mapping) else checkpoint
    inside = {
        name: value for name, value in found.items() if str(name).startswith(INSIDE_XTTS)
    } or {
        name: value
        for name, value in found.items()
        if str(name).startswith(f"xtts.{INSIDE_XTTS}")  # of a fine-tuning
    }
    return inside or (found if isinstance(inner, Mapping) and is_coqui(inner) else checkpoint)


def is_coqui(state: Mapping[str, Any]) -> bool:
    """Whether tensors have the names of Coqui's ResNet, alone or inside of XTTS."""
    names = {name.rpartition(INSIDE_XTTS)[2] for name in map(str, state)}
    return {"attention.0.weight", "layer1.0.se.fc.0.weight", "fc.weight"} <= names


def load_coqui(path: Path, state: Mapping[str, Tensor]) -> WindowedEncoder:
    """Build an encoder from the tensors of a Coqui checkpoint.

    Raises
    ------
    ModelError
        If they are of another architecture.
    """
    renamed = {}
    for name, tensor in state.items():
        short = name.rpartition(INSIDE_XTTS)[2]
        if short.startswith(COMPUTED) or short == "torch_spec":
            continue
        for theirs, ours in (
            ("attention.0.", "pool.linear1."),
            ("attention.2.", "pool.norm."),
            ("attention.3.", "pool.linear2."),
        ):
            if short.startswith(theirs):
                short = ours + short.removeprefix(theirs)
        renamed[short] = tensor
    channels = renamed["layer4.0.conv2.weight"].shape[0]
    mels = 8 * renamed["pool.linear1.weight"].shape[1] // channels
    config = replace(SeResNetConfig(), mels=mels, dimension=renamed["fc.weight"].shape[0])
    network = SeResNet(config)
    load_strictly(network, renamed, path)
    inside = any(INSIDE_XTTS in name for name in state)
    kind = WindowedEncoder if inside else CoquiEncoder
    encoder = kind(network.requires_grad_(False), CoquiFrontEnd(mels))
    encoder.origin = "xtts" if inside else "coqui-se"
    return encoder


def _filters(mels: int, bins: int, sample_rate: int) -> Tensor:
    """Triangles ``(bins, mels)`` from 0 Hz to the Nyquist frequency, equally high."""
    highest = 2595 * np.log10(1 + sample_rate / 2 / 700)
    hertz = 700 * (10 ** (torch.linspace(0, float(highest), mels + 2) / 2595) - 1)
    frequency = torch.linspace(0, sample_rate // 2, bins)
    distance = hertz[None] - frequency[:, None]  # (bins, mels + 2)
    width = hertz.diff()
    rising, falling = -distance[:, :-2] / width[:-1], distance[:, 2:] / width[1:]
    return torch.minimum(rising, falling).clamp_min(0.0)
