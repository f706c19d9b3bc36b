"""Weights to begin a training with: read, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.checkpoints.pickled import read_state
from diarspk.errors import ArgumentError, ModelError

__all__ = ["check_warm_start", "read_training_state", "read_warm_start"]


def read_training_state(path: Path, *settings: str) -> dict[str, Any]:
    """Read the checkpoint of a training.

    Parameters
    ----------
    settings
        Names that its hyper-parameters must have.

    Raises
    ------
    ModelError
        If the file is no such checkpoint, or that of another training.
    """
    stored = read_state(path)
    if not isinstance(stored.get("state_dict"), dict):
        raise ModelError(f"{path}: holds no state_dict; give the checkpoint of a training")
    missing = [name for name in settings if name not in stored.get("hyper_parameters", {})]
    if missing:
        raise ModelError(
            f"{path}: is of another training, whose settings have no {', '.join(missing)}; give "
            "the checkpoint that this command is for"
        )
    return stored


def read_warm_start(path: Path, *, part: str, name: str) -> dict[str, Tensor]:
    """State of a training: from its checkpoint, or from the card of the model it became.

    Parameters
    ----------
    part, name
        What the names of one part's tensors begin with in the card, and what in the training.

    Raises
    ------
    ModelError
        If the file is neither.
    """
    if path.suffix != ".json":
        return dict(read_training_state(path)["state_dict"])
    return {
        name + key.removeprefix(part) if key.startswith(part) else key: tensor
        for key, tensor in read_checkpoint(path).tensors.items()
    }


def check_warm_start(
    trained: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    *,
    may_lack: Callable[[str], bool],
    fits: Callable[[str], bool],
    remedy: str,
) -> None:
    """Check that a training whose state is ``own`` can begin with trained weights.

    Parameters
    ----------
    may_lack
        Whether a tensor of the training may begin anew, by its name.
    fits
        Whether a tensor that both have can be taken over, by its name.
    remedy
        What to give instead.

    Raises
    ------
    ArgumentError
        If a tensor is strange to the training, does not fit, or is missing.
    """
    strange = trained.keys() - own.keys()
    missing = {name for name in own.keys() - trained.keys() if not may_lack(name)}
    unlike = {name for name in own.keys() & trained.keys() if not fits(name)}
    if found := sorted(strange | missing | unlike):
        raise ArgumentError(
            f"the weights to begin with do not fit this training ({', '.join(found[:3])}); give "
            f"{remedy}"
        )
