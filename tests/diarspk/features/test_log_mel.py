import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.features.log_mel import FeatureConfig, LogMel, gated_level, mean_normalize

KALDI = {
    "num_mel_bins": 80,
    "frame_length": 25,
    "frame_shift": 10,
    "window_type": "hamming",
    "use_energy": False,
    "dither": 0.0,
}


def speech_like(seconds: float, seed: int = 0) -> torch.Tensor:
    """Harmonics with a moving envelope over a little noise, ``(1, time)``."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(round(seconds * 16000)) / 16000
    tone = sum(torch.sin(2 * math.pi * 140 * k * time) / k for k in range(1, 20))
    noise = 0.02 * torch.randn(len(time), generator=generator)
    return (0.1 * tone * (1 + torch.sin(2 * math.pi * 3 * time)) + noise)[None]


@pytest.mark.parametrize("seconds", [0.025, 0.5, 3.0])
def test_log_mel_equals_torchaudio(seconds):
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    waveform = speech_like(seconds)
    expected = kaldi.fbank(waveform * 2**15, **KALDI)
    torch.testing.assert_close(LogMel()(waveform)[0], expected, atol=1e-4, rtol=0)


def test_povey_window_of_an_unscaled_waveform_equals_torchaudio():
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    waveform = speech_like(1.0)
    expected = kaldi.fbank(waveform, num_mel_bins=80, dither=0.0)
    log_mel = LogMel(FeatureConfig(window="povey", scale=1.0))
    torch.testing.assert_close(log_mel(waveform)[0], expected, atol=1e-4, rtol=0)


def test_silence_is_floored():
    features = LogMel()(torch.zeros(1, 16000))
    assert torch.allclose(features, torch.tensor(np.log(np.finfo(np.float32).eps)))


def test_less_than_a_frame_gives_one():
    assert LogMel()(torch.zeros(2, 10)).shape == (2, 1, 80)


def test_sizes_follow_the_rate():
    config = FeatureConfig(sample_rate=8000)
    assert (config.frame_length_samples, config.frame_shift_samples, config.fft_size) == (
        200,
        80,
        256,
    )


@settings(deadline=None, max_examples=20)
@given(st.floats(0.01, 5.0), st.integers(0, 100))
def test_level_takes_volume_away(gain, seed):
    log_mel, waveform = LogMel(), speech_like(0.5, seed)
    plain, scaled = log_mel(waveform), log_mel(waveform * gain)
    difference = (plain - gated_level(plain)) - (scaled - gated_level(scaled))
    assert difference.abs().max() < 1e-2


def test_level_disregards_padding():
    features = LogMel()(speech_like(1.0))
    padded = torch.cat([features, torch.full((1, 300, 80), -15.0)], dim=1)
    assert torch.allclose(gated_level(features), gated_level(padded), atol=0.35)


def test_mean_normalize_with_a_mask_equals_without_the_rest():
    features = torch.randn(1, 9, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9)[None] < 6
    assert torch.allclose(mean_normalize(features, mask)[:, :6], mean_normalize(features[:, :6]))
