"""Simulated rooms with several speakers and one microphone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError

__all__ = ["TAPS", "simulate_room"]

TAPS = SAMPLE_RATE // 2
"""Length of a response."""
LEAD_SAMPLES = 40


def simulate_room(
    generator: np.random.Generator,
    *,
    sources: int = 4,
    reverberation_s: tuple[float, float] = (0.12, 0.6),
) -> NDArray[np.float32]:
    """Impulse responses of a shoebox room by the image method (Allen and Berkley 1979).

    Parameters
    ----------
    reverberation_s : tuple of float
        Bounds of the time in which sound falls by 60 dB (Sabine's formula). A large room cannot
        have a short one.

    Returns
    -------
    ndarray, ``(sources, taps)``
        Each begins 2.5 ms before its own direct sound and has energy one, so that neither the time
        nor, about, the level of speech changes; half a second long.

    Raises
    ------
    ArgumentError
        If pyroomacoustics is not installed.
    """
    try:
        import pyroomacoustics as pra
    except ImportError as error:
        raise ArgumentError(
            "`room_probability` must be 0 without pyroomacoustics: pip install 'diarspk[train]'"
        ) from error
    size = generator.uniform([2.5, 2.5, 2.3], [9.0, 7.0, 3.8])
    shortest = 0.17 * np.prod(size) ** (1 / 3) / 2
    seconds = max(generator.uniform(*reverberation_s), shortest)
    absorption, order = pra.inverse_sabine(seconds, size)
    shoebox = pra.ShoeBox(
        size,
        fs=SAMPLE_RATE,
        materials=pra.Material(min(absorption, 0.95)),
        max_order=min(order, 10),
    )
    for _ in range(sources):
        shoebox.add_source(generator.uniform([0.4] * 3, size - 0.4))
    shoebox.add_microphone(generator.uniform([0.4] * 3, size - 0.4))
    _compute(shoebox)
    room = np.zeros((sources, TAPS), np.float32)
    for source, response in enumerate(shoebox.rir[0]):
        start = max(int(np.argmax(np.abs(response))) - LEAD_SAMPLES, 0)
        cut = np.asarray(response, np.float32)[start : start + TAPS]
        room[source, : len(cut)] = cut / np.sqrt(np.sum(cut**2))
    return room


def _compute(shoebox: Any) -> None:
    """Sum in one thread: in several, the last bits depend on how many there are."""
    from pyroomacoustics import constants

    threads = constants.get("num_threads")
    constants.set("num_threads", 1)
    try:
        shoebox.compute_rir()
    finally:
        constants.set("num_threads", threads)
