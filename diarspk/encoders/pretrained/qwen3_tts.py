"""The speaker encoder inside of Qwen3-TTS: from a clip at 24 kHz to the vector that it reads.

It is SpeechBrain's ECAPA-TDNN (512 channels, 128 mels) without batch norms, and lies among the
weights of the Base models under ``speaker_encoder.``. Its vectors are not of unit length, and the
synthesizer was trained with their length, so it is no :class:`~diarspk.SpeakerEncoder`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.architectures.ecapa import EcapaTdnn
from diarspk.encoders.pretrained.speechbrain import build_speechbrain_ecapa, rename_speechbrain
from diarspk.errors import ModelError

__all__ = ["QwenSpeakerEncoder", "load_qwen_speaker_encoder"]

SAMPLE_RATE = 24_000
SIZE, HOP = 1024, 256
PREFIX = "speaker_encoder."

LOWEST = 1e-5
"""Floor of the mel magnitudes."""

LINEAR_HZ, LOG_STEP = 200 / 3, np.log(6.4) / 27
"""Slaney's mel scale: linear up to 1 kHz, 15 mels, and logarithmic beyond."""


class QwenSpeakerEncoder:
    """Speaker encoder of a Qwen3-TTS model.

    Attributes
    ----------
    network : EcapaTdnn
        With batch norms that change nothing.
    dimension : int
        1,024 in the models of 0.6 billion parameters, 2,048 in those of 1.7.
    """

    def __init__(self, network: EcapaTdnn) -> None:
        self.network = network.eval()
        self.dimension = network.dimension
        self._filters = _slaney_filters(network.config.mels)

    @torch.inference_mode()
    def embed(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """Embed a mono clip ``(time,)`` of any rate: ``(dim,)``, not of unit length."""
        if sample_rate != SAMPLE_RATE:
            samples = soxr.resample(samples, sample_rate, SAMPLE_RATE, quality="HQ")
        waveform = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
        features = self.features(waveform)[None]
        return np.asarray(self.network(features)[0].numpy(), np.float32)

    def features(self, waveform: Tensor) -> Tensor:
        """Compute log-mel magnitudes ``(frames, mels)`` of ``(time,)`` at 24 kHz."""
        reach = (SIZE - HOP) // 2
        padded = nn.functional.pad(waveform[None], (reach, reach), mode="reflect")[0]
        spectrum = torch.stft(
            padded, SIZE, HOP, window=torch.hann_window(SIZE), center=False, return_complex=True
        )
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()
        return (magnitude.T @ self._filters).clamp_min(LOWEST).log()


def load_qwen_speaker_encoder(folder: str | Path) -> QwenSpeakerEncoder:
    """Load the speaker encoder of a model's folder; the other weights are not read.

    Parameters
    ----------
    folder
        With ``model.safetensors``, or several and their index.

    Raises
    ------
    ModelError
        If it has no speaker encoder (the Base models have one), or a file is damaged.
    """
    root = Path(folder)
    files = _files(root)
    state: dict[str, Tensor] = {}
    for file in files:
        try:
            with safe_open(file, "pt") as tensors:
                names = [name for name in tensors.keys() if name.startswith(PREFIX)]  # noqa: SIM118
                state |= {name.removeprefix(PREFIX): tensors.get_tensor(name) for name in names}
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{file}: cannot be read ({error}); download it again") from error
    if "fc.weight" not in state:
        raise ModelError(
            f"{root}: has no speaker encoder; give the folder of a Base model of Qwen3-TTS"
        )
    return QwenSpeakerEncoder(_build(state, root))


def _files(root: Path) -> list[Path]:
    """Files that hold the speaker encoder."""
    index = root / "model.safetensors.index.json"
    if not index.is_file():
        files = sorted(root.glob("model*.safetensors"))
        if not files:
            raise ModelError(f"{root}: holds no model.safetensors; give the folder of the model")
        return files
    try:
        places: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return sorted({root / file for name, file in places.items() if name.startswith(PREFIX)})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"{index}: is no index of weights ({error}); download it again") from error


def _build(state: Mapping[str, Tensor], root: Path) -> EcapaTdnn:
    # SpeechBrain has each convolution inside of a block of its own.
    named = {
        re.sub(r"\.(weight|bias)$", r".conv.\1", name): one.float() for name, one in state.items()
    }
    renamed = rename_speechbrain(named)
    network = build_speechbrain_ecapa(renamed)
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.constant_(module.weight, float(np.sqrt(1 + module.eps)))  # of variance 1
            renamed |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    load_strictly(network, renamed, root)
    return network.requires_grad_(False)


def _slaney_filters(mels: int) -> Tensor:
    """Triangles ``(bins, mels)`` of equal area, as librosa has them by default."""
    knee = 1000 / LINEAR_HZ
    highest = knee + np.log(SAMPLE_RATE / 2 / 1000) / LOG_STEP
    scale = np.linspace(0, highest, mels + 2)
    hertz = np.where(scale < knee, LINEAR_HZ * scale, 1000 * np.exp(LOG_STEP * (scale - knee)))
    frequency = np.linspace(0, SAMPLE_RATE / 2, SIZE // 2 + 1)
    distance = hertz[None] - frequency[:, None]  # (bins, mels + 2)
    width = np.diff(hertz)
    rising, falling = -distance[:, :-2] / width[:-1], distance[:, 2:] / width[1:]
    triangles = np.maximum(np.minimum(rising, falling), 0) * (2 / (hertz[2:] - hertz[:-2]))
    return torch.from_numpy(triangles.astype(np.float32))
