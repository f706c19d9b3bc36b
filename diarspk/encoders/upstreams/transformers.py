"""Networks of transformers with the interface of S3PRL's: WavLM, HuBERT, wav2vec 2.0, ..."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.json_object import read_object
from diarspk.errors import ModelError

__all__ = ["HiddenStates", "build_transformers", "open_transformers"]

STEADY = {"layerdrop": 0.0, "apply_spec_augment": False, "gradient_checkpointing": False}
"""Settings of training that are not the recipe's: they draw from a global random state, and leave
layers out of the sum."""


class HiddenStates(nn.Module):
    """Hidden states of a network that reads waveforms of one length.

    Shape
    -----
    ``(batch, time)``, lengths ``(batch,)`` -> list of ``(batch, frames, channels)``, lengths

    Parameters
    ----------
    network
        Of transformers, without a head.
    normalize
        Normalise each waveform to zero mean and unit variance (``do_normalize`` of the
        preprocessor).
    layer_norm
        Layer norm of each frame of each layer, without scale.

    Attributes
    ----------
    num_layers : int
        Hidden layers, the input of the first included.
    hidden_sizes, downsample_rates : list of int
        Of each layer: channels, and samples from one frame to the next.
    """

    def __init__(self, network: Any, *, normalize: bool, layer_norm: bool) -> None:
        super().__init__()
        self.network, self.normalize, self.layer_norm = network, normalize, layer_norm
        config = network.config
        self.num_layers = int(config.num_hidden_layers) + 1
        self.hidden_sizes = [int(config.hidden_size)] * self.num_layers
        self.downsample_rates = [math.prod(config.conv_stride)] * self.num_layers

    @property
    def description(self) -> str:
        """Text for fingerprints."""
        return f"transformers {type(self.network).__name__} {self.normalize}"

    def structure(self) -> dict[str, Any]:
        """Describe what :func:`build_transformers` needs, as JSON."""
        config = json.loads(self.network.config.to_json_string(use_diff=False))
        return {"config": config, "normalize": self.normalize}

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        """Compute all hidden states; see the class."""
        if self.normalize:
            mean = waveform.mean(dim=1, keepdim=True)
            variance = waveform.var(dim=1, correction=0, keepdim=True)
            waveform = (waveform - mean) / (variance + 1e-7).sqrt()
        states = list(self.network(waveform, output_hidden_states=True).hidden_states)
        if self.layer_norm:
            states = [nn.functional.layer_norm(one, one.shape[-1:]) for one in states]
        return states, torch.full_like(lengths, states[0].shape[1])


def open_transformers(path: Path, *, layer_norm: bool = False) -> HiddenStates:
    """Open a folder that ``save_pretrained`` has written, without any head of a task.

    Raises
    ------
    ModelError
        If transformers is not installed, the folder cannot be read, or its network does not read
        waveforms of 16 kHz.
    """
    package = _import_transformers()
    if not (path / "config.json").is_file():
        raise ModelError(f"{path}: no folder of a network of transformers (config.json is missing)")
    try:
        network = package.AutoModel.from_pretrained(
            path, local_files_only=True, torch_dtype=torch.float32
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        fault = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: transformers cannot load it ({fault}); check the files"
        ) from error
    preprocessing = read_object(path / "preprocessor_config.json")
    if (rate := preprocessing.get("sampling_rate", SAMPLE_RATE)) != SAMPLE_RATE:
        raise ModelError(f"{path}: reads audio at {rate} Hz; only {SAMPLE_RATE} Hz can be used")
    _check(network, str(path))
    normalize = bool(preprocessing.get("do_normalize", False))
    return HiddenStates(network, normalize=normalize, layer_norm=layer_norm)


def build_transformers(structure: dict[str, Any], *, layer_norm: bool = False) -> HiddenStates:
    """Build the network that :meth:`HiddenStates.structure` describes, with random weights.

    Raises
    ------
    ModelError
        As for :func:`open_transformers`.
    """
    package = _import_transformers()
    settings = dict(structure["config"])
    kind = settings.pop("model_type")
    config = package.AutoConfig.for_model(kind, **settings)
    with torch.random.fork_rng(devices=[]):
        network = package.AutoModel.from_config(config)
    _check(network, str(kind))
    normalize = bool(structure["normalize"])
    return HiddenStates(network, normalize=normalize, layer_norm=layer_norm)


def _check(network: Any, where: str) -> None:
    """Check that a network reads waveforms, and let nothing be drawn by chance in training."""
    config = network.config
    if not hasattr(config, "conv_stride") or not hasattr(config, "num_hidden_layers"):
        raise ModelError(
            f"{where}: {type(network).__name__} does not read waveforms; WavLM, HuBERT, "
            "wav2vec 2.0, UniSpeech-SAT and data2vec do"
        )
    for name, value in STEADY.items():
        if hasattr(config, name):
            setattr(config, name, value)


def _import_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            "transformers is not installed: pip install 'diarspk[transformers]'"
        ) from error
    return transformers
