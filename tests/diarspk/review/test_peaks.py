"""Peaks: the same whole or in blocks, and every sample within them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diarspk.errors import ArgumentError
from diarspk.review.peaks import compute_peaks, decode_peaks

SAMPLES = arrays(np.float32, st.integers(0, 900), elements=st.floats(-1.5, 1.5, width=32))


@given(SAMPLES)
def test_every_sample_lies_between_its_peaks(samples: np.ndarray) -> None:
    peaks = decode_peaks(compute_peaks(samples))
    assert len(peaks) == -(-len(samples) // 160)
    for number, (low, high) in enumerate(peaks):
        group = np.clip(samples[160 * number : 160 * (number + 1)], -1, 1)
        assert abs(low - group.min()) <= 0.01
        assert abs(high - group.max()) <= 0.01


@given(SAMPLES, st.integers(1, 4))
def test_blocks_give_what_the_whole_gives(samples: np.ndarray, per_block: int) -> None:
    step = 160 * per_block
    pieces = [compute_peaks(samples[at : at + step]) for at in range(0, len(samples), step)]
    assert np.array_equal(np.concatenate([np.zeros((0, 2)), *pieces]), compute_peaks(samples))


def test_a_quiet_recording_keeps_its_shape() -> None:
    assert compute_peaks(np.full(160, 0.01, np.float32)).tolist() == [[13, 13]]


def test_several_channels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="shape"):
        compute_peaks(np.zeros((2, 160), np.float32))
