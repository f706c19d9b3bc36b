"""Reading of PyTorch checkpoints by the restricted unpickler, which runs no code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from diarspk.errors import ModelError
from diarspk.forking import survive_forks

__all__ = ["load_strictly", "read_state"]


class Inert:
    """Placeholder for an object of another package: it accepts any state and has no behaviour."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: object) -> None:
        self.state = state


def read_state(path: str | Path, *, inert: Sequence[str] = ()) -> dict[str, Any]:
    """Read a PyTorch file that holds tensors by name, or a dictionary of such.

    Parameters
    ----------
    path
        A file written by ``torch.save``.
    inert
        Prefixes of class names (``"pyannote.audio."``) that the file may hold beside tensors. A
        placeholder takes the place of each, and the package is not imported.

    Raises
    ------
    ModelError
        If there is no such file, if it is damaged, or if it holds more than tensors and plain
        values: then reading it could run code, and it is refused.
    """
    survive_forks()
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file; check the path")
    try:
        allowed = _stand_ins(path, inert) if inert else []
        with safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # Of bytes that are no pickle the unpickler makes whatever they spell: an empty stack, a name.
    except Exception as error:
        fault = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{path}: cannot be read as tensors and plain values ({fault}); it is damaged, or "
            "holds pickled code, which is never run: save its state_dict alone"
        ) from error
    if not isinstance(content, Mapping):
        raise ModelError(
            f"{path}: holds a {type(content).__name__}, not tensors by name; save its state_dict"
        )
    return dict(content)


def _stand_ins(path: Path, prefixes: Sequence[str]) -> list[Any]:
    """Placeholders for the classes of the file that begin with one of the prefixes."""
    names = get_unsafe_globals_in_checkpoint(str(path))
    # One class per name: torch keeps only the last name registered for a class.
    return [
        (type("Inert", (Inert,), {}), name) for name in names if name.startswith(tuple(prefixes))
    ]


def load_strictly(network: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load a state dict whose names and shapes must match the network exactly.

    Raises
    ------
    ModelError
        If a tensor is missing, left over, or of another shape.
    """
    try:
        network.load_state_dict(dict(state))
    except RuntimeError as error:
        fault = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{path}: its tensors do not fit {type(network).__name__} ({fault}); "
            "it is of another architecture or version"
        ) from error
