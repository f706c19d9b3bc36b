"""States of sessions in files: arrays and plain values, nothing of which is executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from diarspk.atomic import atomic_path
from diarspk.checkpoints.array_file import read_arrays
from diarspk.errors import FormatError

__all__ = ["read_state", "write_state"]

VERSION = 2
KIND = "the state of a live session"
WRITER = "StreamingDiarizer.save"


def write_state(path: str | Path, state: dict[str, Any], writer: str = WRITER) -> None:
    """Write a nested dictionary of arrays and of what JSON can hold, whole or not at all.

    Parameters
    ----------
    writer
        Method that writes it, and whose counterpart alone is to read it.
    """
    arrays: dict[str, np.ndarray] = {}
    plain = _take_arrays(state, "", arrays)
    text = json.dumps({"version": VERSION, "writer": writer, "state": plain}).encode()
    arrays["state"] = np.frombuffer(text, np.uint8)
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def read_state(path: str | Path, writer: str = WRITER) -> dict[str, Any]:
    """Read what :func:`write_state` has written.

    Raises
    ------
    FormatError
        If the file is missing, damaged, or another.
    """
    remedy = f"{writer} writes one"
    arrays = read_arrays(path, KIND, remedy)
    try:
        stored = json.loads(arrays.pop("state").tobytes())
        if stored["version"] != VERSION:
            raise ValueError(f"it is of version {stored['version']}, this one reads {VERSION}")
        if (found_writer := stored.get("writer", WRITER)) != writer:
            raise ValueError(f"{found_writer} has written it")
        found = _put_arrays(stored["state"], arrays)
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(f"not {KIND} ({error}); {remedy}", str(path)) from error
    assert isinstance(found, dict)
    return found


def _take_arrays(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """Replace arrays by their names."""
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return {"array": place}
    if isinstance(value, dict):
        return {key: _take_arrays(item, f"{place}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_arrays(item, f"{place}.{n}", arrays) for n, item in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _put_arrays(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_put_arrays(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"array"}:
        return arrays[value["array"]]
    return {key: _put_arrays(item, arrays) for key, item in value.items()}
