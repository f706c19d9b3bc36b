"""WeSpeaker's checkpoints, and pyannote.audio's copies of its ResNets.

WeSpeaker's are an ``avg_model.pt``, with or without the ``config.yaml`` beside it; pyannote.audio's
a ``pytorch_model.bin``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.architectures.campplus import CamPlusPlus, CamPlusPlusConfig
from diarspk.encoders.architectures.ecapa import WESPEAKER_ECAPA, EcapaTdnn
from diarspk.encoders.architectures.redimnet import REDIMNET, ReDimNet
from diarspk.encoders.architectures.resnet import ResNet, ResNetConfig
from diarspk.encoders.architectures.xvector import WESPEAKER_XVECTOR, XVector
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig

__all__ = [
    "INERT",
    "build_wespeaker",
    "load_pyannote",
    "load_wespeaker",
    "read_wespeaker_config",
    "resnet_config",
]

State = Mapping[str, Tensor]

INERT = ("pyannote.audio.", "torch.torch_version.", "lightning.", "pytorch_lightning.")
"""Prefixes of the classes of metadata in pyannote.audio's checkpoints."""

POOLINGS = {
    "TSTP": ("temporal-statistics",),
    "ASTP": ("channel-attentive-wespeaker", "channel-attentive-local"),
}
"""Names of poolings in ``config.yaml``, and those here."""


def load_wespeaker(path: Path, state: State) -> WindowedEncoder:
    """Build an encoder from the tensors of an ``avg_model.pt``; the classifier is dropped.

    The architecture is inferred from the tensors. A ``config.yaml`` beside the file is checked: a
    setting that is not supported is an error.

    Raises
    ------
    ModelError
        If the tensors are of no architecture known here, or the configuration does not fit.
    """
    state = {k: v for k, v in state.items() if not k.startswith("projection.")}
    network = build_wespeaker(path, state)
    load_strictly(network, state, path)
    config_path = path.with_name("config.yaml")
    features = FeatureConfig(mels=network.config.mels)
    if config_path.is_file():
        features = read_wespeaker_config(config_path, network)
    return WindowedEncoder(network.requires_grad_(False), MelFrontEnd(features))


def load_pyannote(path: Path, checkpoint: Mapping[str, Any]) -> WindowedEncoder:
    """Build an encoder from pyannote.audio's checkpoint of a ``WeSpeakerResNet``.

    Its pooling has the unbiased standard deviation without WeSpeaker's floor of 1e-7.

    Raises
    ------
    ModelError
        If it is another of pyannote.audio's models.
    """
    state = drop_prefix(checkpoint["state_dict"], "resnet.")
    if "seg_1.weight" not in state:
        raise ModelError(
            f"{path}: a pyannote.audio checkpoint, but not of a WeSpeakerResNet; "
            "only those are speaker encoders here"
        )
    network = ResNet(resnet_config(state, pooling="unbiased-statistics"))
    load_strictly(network, state, path)
    features = FeatureConfig(mels=network.config.mels)
    return WindowedEncoder(network.requires_grad_(False), MelFrontEnd(features))


def build_wespeaker(path: Path, state: State) -> Any:
    """Build the network that fits the tensors, with random weights."""
    builders: dict[str, Callable[[State], Architecture | None]] = {
        "layer4.0.bn1.weight": lambda state: ResNet(resnet_config(state)),
        "layer4.se_res2block.3.linear1.weight": _build_ecapa,
        "xvector.tdnn.linear.weight": lambda state: CamPlusPlus(campplus_config(state)),
        "frame_1.conv_1d.weight": _build_xvector,
        "backbone.stem.0.weight": _build_redimnet,
    }
    for key, build in builders.items():
        network = build(state) if key in state else None
        if network is not None:
            return network
    raise ModelError(
        f"{path}: its tensors are of no architecture known here; ResNet, ECAPA-TDNN, CAM++, "
        "x-vector and ReDimNet checkpoints of WeSpeaker can be loaded"
    )


def resnet_config(state: State, *, pooling: str = "temporal-statistics") -> ResNetConfig:
    """Infer the dimensions of a ResNet from its tensors.

    Parameters
    ----------
    state
        Tensors named as in WeSpeaker.
    pooling
        Pooling where it has no tensors; attentive pooling is inferred.
    """
    first, second, third, fourth = (_count(state, f"layer{stage}.") for stage in range(1, 5))
    bottleneck = "layer1.0.conv3.weight" in state
    channels = state["conv1.weight"].shape[0]
    dimension, statistics = state["seg_1.weight"].shape
    frames = channels * 8 * (4 if bottleneck else 1)  # channels of the last stage
    pooling = _attention(state) or pooling
    mels = 8 * statistics // (2 * frames)  # a multiple of eight: three stages halve it
    return ResNetConfig(
        (first, second, third, fourth),
        bottleneck=bottleneck,
        mels=mels,
        dimension=dimension,
        channels=channels,
        two_layers="seg_2.weight" in state,
        pooling=pooling,
    )


def campplus_config(state: State) -> CamPlusPlusConfig:
    """Infer the dimensions of a CAM++ from its tensors."""
    channels = state["head.conv1.weight"].shape[0]
    return CamPlusPlusConfig(
        mels=8 * state["xvector.tdnn.linear.weight"].shape[1] // channels,
        dimension=state["xvector.dense.linear.weight"].shape[0],
        front_channels=channels,
    )


def _build_ecapa(state: State) -> EcapaTdnn:
    channels, mels, _ = state["layer1.conv.weight"].shape
    config = replace(
        WESPEAKER_ECAPA,
        mels=mels,
        channels=channels,
        aggregated=state["conv.weight"].shape[0],
        dimension=state["linear.weight"].shape[0],
        pooling=_attention(state) or "temporal-statistics",
    )
    return EcapaTdnn(config)


def _build_xvector(state: State) -> XVector:
    weights = [state[f"frame_{index}.conv_1d.weight"] for index in range(1, 6)]
    config = replace(
        WESPEAKER_XVECTOR,
        mels=weights[0].shape[1],
        dimension=state["seg_2.weight"].shape[0],
        channels=tuple(weight.shape[0] for weight in weights),
    )
    return XVector(config)


def _build_redimnet(state: State) -> ReDimNet | None:
    """Build the size whose tensors have these names and shapes; None if there is none."""
    shapes = {name: tensor.shape for name, tensor in state.items()}
    for config in REDIMNET.values():
        config = replace(config, dimension=state["seg_1.weight"].shape[0])
        with torch.device("meta"):
            candidate = ReDimNet(config).state_dict()
        if {name: tensor.shape for name, tensor in candidate.items()} == shapes:
            return ReDimNet(config)
    return None


def _attention(state: State) -> str | None:
    """Infer the name of the attentive pooling; None without its tensors."""
    if "pool.linear1.weight" not in state:
        return None
    context = state["pool.linear1.weight"].shape[1] != state["pool.linear2.weight"].shape[0]
    return "channel-attentive-wespeaker" if context else "channel-attentive-local"


def _count(state: State, prefix: str) -> int:
    """Count the numbered modules under a prefix."""
    names = (name[len(prefix) :] for name in state if name.startswith(prefix))
    return len({name.split(".")[0] for name in names})


def read_wespeaker_config(path: Path, network: Any) -> FeatureConfig:
    """Read the features of a ``config.yaml``, and check its other settings.

    Raises
    ------
    ModelError
        If it is not YAML, or has a pooling, sample rate or normalisation that is not supported.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not YAML ({error}); restore the original file") from error
    config = config if isinstance(config, dict) else {}
    data, model = config.get("dataset_args") or {}, config.get("model_args") or {}
    fbank, cmvn = data.get("fbank_args") or {}, data.get("cmvn_args") or {}
    pooling, rate = model.get("pooling_func"), data.get("resample_rate", SAMPLE_RATE)
    wanted = POOLINGS.get(pooling, ()) if pooling else (network.config.pooling,)
    faults = {
        f"pooling_func {pooling}": network.config.pooling not in wanted
        and not isinstance(network, CamPlusPlus),
        "cmvn: false": data.get("cmvn", True) is False or cmvn.get("norm_mean", True) is False,
        "norm_var: true": bool(cmvn.get("norm_var", False)),
        f"frontend {data.get('frontend')}": data.get("frontend", "fbank") != "fbank",
        f"resample_rate {rate}": rate != SAMPLE_RATE,
        "num_mel_bins": fbank.get("num_mel_bins", network.config.mels) != network.config.mels,
    }
    for fault, present in faults.items():
        if present:
            raise ModelError(
                f"{path}: {fault} is not what this encoder computes; it cannot be used"
            )
    return FeatureConfig(
        mels=network.config.mels,
        frame_length_ms=float(fbank.get("frame_length", 25)),
        frame_shift_ms=float(fbank.get("frame_shift", 10)),
    )
