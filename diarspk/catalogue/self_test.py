"""Self-test of a loaded model: what it computes of a fixed signal must be what it always was.

A wrong mean subtraction, a dependency that changed in silence or a graph without its external data
give vectors that look like any other. So an entry of the catalogue says what its model computes of
one signal; of a model that nobody could measure, the record of the first load says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.catalogue.entry import CatalogueEntry
from diarspk.catalogue.store import read_record, write_record
from diarspk.errors import ModelError

__all__ = ["check_computed", "fixed_signal", "sample_values"]

VALUES = 16
"""Values that are kept of each array."""

TOLERANCE = 0.01
"""Maximum difference of a value, as a share of the largest one: kernels round differently."""

Computed = Mapping[str, list[float]]


def fixed_signal() -> NDArray[np.float32]:
    """Two seconds of 16 kHz audio like a voice in noise: ``(time,)``.

    Closed formulas and a congruential generator, so that no version of a library changes it.
    """
    time = np.arange(32000) / 16000
    phase = 2 * np.pi * (110 * time + 15 * time**2)
    voice = sum(np.sin(k * phase) / k for k in range(1, 30))
    noise = (np.arange(32000, dtype=np.int64) ** 2 * 1103515245 + 12345) % 2**31 / 2**30 - 1
    loudness = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time)
    return np.asarray(0.1 * loudness * voice + 0.01 * noise, np.float32)


def sample_values(array: ArrayLike) -> list[float]:
    """Take some values, evenly spaced, out of an array of any shape."""
    flat = np.asarray(array, np.float64).ravel()
    places = np.linspace(0, len(flat) - 1, min(VALUES, len(flat))).round().astype(np.int64)
    return [round(float(value), 5) for value in flat[places]]


def check_computed(entry: CatalogueEntry, found: Computed) -> None:
    """Compare what a model has computed with what the entry says, or else the first load.

    Parameters
    ----------
    entry
        Of the catalogue.
    found
        Values by what they are of: "features", "embedding", "activity".

    Raises
    ------
    ModelError
        If a value is not finite or another one.
    """
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise ModelError(
                f"{entry.name}: computes {name} that are no numbers; check the installation of "
                "PyTorch or ONNX Runtime, and download the model anew"
            )
    record = read_record(entry.name)
    wanted = entry.self_test or (None if record is None else record.computed)
    if wanted is None:
        if record is not None:
            write_record(replace(record, computed=dict(found)))
        return
    for name, values in wanted.items():
        if not _agree(found.get(name, []), values):
            raise ModelError(
                f"{entry.name}: computes other {name} of the test signal than it should, so its "
                "answers would be wrong; a dependency has changed, or a file of the model is not "
                f"the one it was: diarspk models download {entry.name}"
            )


def _agree(found: list[float], wanted: list[float]) -> bool:
    if len(found) != len(wanted):
        return False
    largest = max(map(abs, wanted), default=0.0)
    return bool(np.allclose(found, wanted, rtol=0.0, atol=TOLERANCE * largest))
