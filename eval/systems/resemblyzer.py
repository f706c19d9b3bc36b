"""Resemblyzer's d-vector encoder, importable with today's versions of what it depends on.

Resemblyzer 0.1.4 imports webrtcvad (only for trimming, which no protocol here uses), and
webrtcvad 2.0.10 imports ``pkg_resources`` to read its own version: setuptools from 81 warns about
that and later ones no longer bring it. :func:`_importable` stands in for what is missing, and
silences the deprecations, for the time of the import only.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DVectorEncoder"]

SAMPLE_RATE = 16000


class DVectorEncoder:
    """Resemblyzer 0.1.4 on the CPU, on waveforms as they are: no trimming, no change of volume."""

    dimension = 256

    def __init__(self) -> None:
        with _importable("pkg_resources"):
            from resemblyzer import VoiceEncoder
        self._encoder: Any = VoiceEncoder("cpu", verbose=False)
        # librosa compiles its filters at the first call (up to half a minute): not a cost of
        # the first recording.
        self._encoder.embed_utterance(np.full(SAMPLE_RATE, 1e-3, np.float32))

    def embed(self, waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed ``n`` waveforms at 16 kHz, of any lengths, as unit vectors ``(n, 256)``."""
        if not waveforms:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([self._encoder.embed_utterance(waveform) for waveform in waveforms])

    def embed_windows(
        self, waveform: NDArray[np.float32], *, step: float
    ) -> tuple[list[tuple[float, float]], NDArray[np.float32]]:
        """Embed windows of 1.6 s every ``step`` seconds.

        A last window that is less than three quarters full is left out, a fuller one padded with
        zeros; a waveform shorter than one window is one window.

        Returns
        -------
        spans : list of (start, end)
            Seconds, of which the last may end after the waveform.
        embeddings : ndarray of float32, ``(windows, 256)``
        """
        _, embeddings, slices = self._encoder.embed_utterance(
            waveform, return_partials=True, rate=1 / step
        )
        return [(one.start / SAMPLE_RATE, one.stop / SAMPLE_RATE) for one in slices], embeddings


@contextmanager
def _importable(name: str) -> Iterator[None]:
    """Stand in for an absent ``pkg_resources`` while a package that reads versions is imported."""
    stand_in = ModuleType(name)
    stand_in.get_distribution = lambda _: SimpleNamespace(version="")  # type: ignore[attr-defined]
    absent = name not in sys.modules and importlib.util.find_spec(name) is None
    if absent:
        sys.modules[name] = stand_in
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if absent:
            del sys.modules[name]
