"""pyannote.audio's copies of WeSpeaker's ResNets: ``pytorch_model.bin``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.architectures.resnet import ResNet
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.pretrained.state import load_strictly
from diarspk.encoders.pretrained.wespeaker import resnet_config
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig

__all__ = ["INERT", "load_pyannote"]

INERT = ("pyannote.audio.", "torch.torch_version.", "lightning.", "pytorch_lightning.")
"""Classes that describe a pyannote.audio checkpoint, and that nothing here needs."""


def load_pyannote(path: Path, checkpoint: Mapping[str, Any]) -> WindowedEncoder:
    """Make an encoder of the checkpoint of a ``WeSpeakerResNet``.

    Its pooling takes the plain unbiased standard deviation, without WeSpeaker's floor.

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
