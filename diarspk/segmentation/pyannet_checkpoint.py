"""Segmentation checkpoints of pyannote.audio (PyanNet)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.checkpoints.pickled import load_strictly, read_state
from diarspk.errors import ModelError
from diarspk.segmentation.pyannet import PyanNet, PyanNetConfig

__all__ = ["load_pyannet"]


FILTER_CONSTANTS = ("sincnet.conv1d.0.filterbank.window_", "sincnet.conv1d.0.filterbank.n_")
"""Window and time axis of the sinc filters: stored beside the weights, though never trained."""


def load_pyannet(path: str | Path) -> PyanNet:
    """Load a PyanNet checkpoint of pyannote.audio, ready for inference.

    Parameters
    ----------
    path
        ``pytorch_model.bin``, for instance that of pyannote/segmentation-3.0 (MIT licence).

    Raises
    ------
    ModelError
        If the file is missing, unsafe or damaged, or is of another architecture.
    """
    content = read_state(path, inert=("pyannote.audio.", "torch.torch_version."))
    try:
        config = _read_config(content)
        state = drop_prefix(content["state_dict"], "")
        for constant in FILTER_CONSTANTS:
            del state[constant]
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: lacks {error}, so it is no segmentation checkpoint of pyannote.audio; "
            "check the file"
        ) from error
    network = PyanNet(config)
    load_strictly(network, state, path)
    return network.eval().requires_grad_(False)


def _read_config(content: Mapping[str, Any]) -> PyanNetConfig:
    settings, about = content["hyper_parameters"], content["pyannote.audio"]
    specifications = about["specifications"].state
    lstm, linear = settings["lstm"], settings["linear"]
    return PyanNetConfig(
        hidden=lstm["hidden_size"],
        layers=lstm["num_layers"],
        linear=linear["hidden_size"],
        linear_layers=linear["num_layers"],
        window_s=float(specifications["duration"]),
        speakers=len(specifications["classes"]),
        simultaneous=specifications["powerset_max_classes"],
    )
