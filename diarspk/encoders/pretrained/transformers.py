"""Models of Hugging Face's transformers with an x-vector head: WavLM, UniSpeech-SAT, ..."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.digest import digest_weights
from diarspk.checkpoints.json_object import read_object
from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.errors import ModelError

__all__ = ["TransformersEncoder", "is_transformers", "load_transformers"]

SUFFIX = "ForXVector"
"""Suffix of the class names in ``config.json``: WavLMForXVector, UniSpeechSatForXVector, ..."""


def is_transformers(path: Path) -> bool:
    """Whether a folder holds a model of transformers with an x-vector head."""
    return any(name.endswith(SUFFIX) for name in _read_json(path / "config.json", "architectures"))


def load_transformers(path: Path) -> TransformersEncoder:
    """Load a folder that ``save_pretrained`` has written, such as microsoft/wavlm-base-plus-sv.

    Parameters
    ----------
    path
        Folder with ``config.json``, the weights (safetensors, or a PyTorch file that is read as
        tensors only), and ``preprocessor_config.json`` where the waveform is to be normalised.

    Raises
    ------
    ModelError
        If transformers is not installed, or the folder cannot be read.
    """
    try:
        from transformers import AutoModelForAudioXVector
    except ImportError as error:
        raise ModelError(
            "transformers is not installed: pip install 'diarspk[transformers]'"
        ) from error
    try:
        network = AutoModelForAudioXVector.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        fault = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: transformers cannot load it ({fault}); check the files"
        ) from error
    preprocessing = read_object(path / "preprocessor_config.json")
    rate = int(preprocessing.get("sampling_rate", SAMPLE_RATE))
    if rate != SAMPLE_RATE:
        raise ModelError(
            f"{path}: has a sample rate of {rate} Hz; only {SAMPLE_RATE} Hz can be used"
        )
    return TransformersEncoder(network, normalize=bool(preprocessing.get("do_normalize", False)))


class TransformersEncoder(ClipEncoder):
    """Encoder from a network of transformers with an x-vector head.

    Clips run one after the other: the group norm of the convolutions is not invariant to padding.

    Parameters
    ----------
    network
        For instance ``transformers.WavLMForXVector``.
    normalize
        Normalise each waveform to zero mean and unit variance (``do_normalize`` of the
        preprocessor).
    """

    def __init__(
        self, network: Any, *, normalize: bool, config: WindowConfig | None = None
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.normalize, self.config = normalize, config or WindowConfig()
        self._minimum = _minimum_samples(network.config)
        self._fingerprint = _fingerprint(network, normalize)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the network's input in Hz; audio is resampled to it."""
        return SAMPLE_RATE

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding."""
        return int(self.network.config.xvector_output_dim)

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space."""
        return self._fingerprint

    @torch.inference_mode()
    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`; a clip that is too short is repeated."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, part in zip(vectors, parts, strict=True):
            waveform = torch.from_numpy(np.resize(part, max(len(part), self._minimum)))
            if self.normalize:
                variance = waveform.var(correction=0)
                waveform = (waveform - waveform.mean()) / (variance + 1e-7).sqrt()
            vector = self.network(waveform[None]).embeddings[0]
            row[:] = torch.nn.functional.normalize(vector, dim=-1).numpy()
        return vectors


def _minimum_samples(config: Any) -> int:
    """Minimum number of samples that give the statistics of the head two frames."""
    frames = 2 + sum(
        (kernel - 1) * dilation
        for kernel, dilation in zip(config.tdnn_kernel, config.tdnn_dilation, strict=True)
    )
    samples = frames
    for kernel, stride in zip(
        reversed(config.conv_kernel), reversed(config.conv_stride), strict=True
    ):
        samples = (samples - 1) * stride + kernel
    return max(samples, math.prod(config.conv_stride))


def _fingerprint(network: Any, normalize: bool) -> str:
    return digest_weights(network, f"{type(network).__name__} {normalize}")[:16]


def _read_json(path: Path, name: str) -> list[str]:
    return [str(item) for item in read_object(path).get(name) or []]
