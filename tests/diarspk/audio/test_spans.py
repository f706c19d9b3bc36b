"""Spans of a recording: what is read, at which rate, and how far."""

from __future__ import annotations

import numpy as np

from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.audio.spans import read_spans


def test_spans_are_read_across_blocks_and_end_with_the_recording() -> None:
    samples = np.arange(70 * SAMPLE_RATE, dtype=np.float32) / (70 * SAMPLE_RATE)
    spans = {"a": [(1.0, 2.0), (29.0, 62.0)], "b": [(69.0, 80.0)]}
    read = read_spans(open_audio(samples, SAMPLE_RATE), spans)
    whole = [samples[SAMPLE_RATE : 2 * SAMPLE_RATE], samples[29 * SAMPLE_RATE : 62 * SAMPLE_RATE]]
    assert np.array_equal(read["a"], np.concatenate(whole))
    assert np.array_equal(read["b"], samples[69 * SAMPLE_RATE :])


def test_spans_are_read_at_the_rate_of_the_recording() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (2, 48000)).astype(np.float32)
    stream = open_audio(samples, 48000, channel=1)
    read = read_spans(stream, {0: [(0.25, 0.5)], 1: []}, own_rate=True)
    np.testing.assert_array_equal(read[0], samples[1, 12000:24000])
    assert read[1].shape == (0,)
