"""Resemblyzer's d-vector encoder, in an environment of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from eval.systems.worker_process import WorkerProcess

__all__ = ["ResemblyzerEncoder"]


class ResemblyzerEncoder:
    """Resemblyzer 0.1.4 on the CPU, on waveforms as they are: no trimming, no change of volume.

    Raises
    ------
    PeerError
        If its environment cannot be made or its model cannot be loaded.
    """

    def __init__(self) -> None:
        self._worker = WorkerProcess("resemblyzer", "baseline")

    def embed(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed ``n`` waveforms at 16 kHz, of any lengths, as unit vectors ``(n, 256)``."""
        with TemporaryDirectory() as folder:
            given, made = Path(folder) / "waveforms.npz", Path(folder) / "embeddings.npy"
            np.savez(given, *waveforms)  # arr_0, arr_1, ... in this order
            self._worker.ask(waveforms=str(given), embeddings=str(made))
            embeddings: NDArray[np.float32] = np.load(made)
        return embeddings
