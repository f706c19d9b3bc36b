from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from eval.embeddings.equalization import equalize_spectra, mean_spectrum
from eval.embeddings.speech import Utterance

SECOND = 16000


def noise(seed: int, *filters: float) -> Utterance:
    """White noise through a filter with one pole for each number."""
    white = np.random.default_rng(seed).normal(0, 0.1, 8 * SECOND)
    for pole in filters:
        white = signal.lfilter([1], [1, -pole], white)
    return Utterance(f"noise-{seed}", "nobody", white.astype(np.float32))


def test_the_spectrum_of_a_tone_by_hand() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(SECOND) / SECOND).astype(np.float32)
    spectrum = mean_spectrum(tone)
    assert spectrum.shape == (257,)
    assert spectrum.argmax() == 32  # 1000 Hz of 16000 in 512 bins
    assert spectrum.max() == 0.0
    assert spectrum[100:].max() == pytest.approx(-60, abs=0.5)


def test_all_have_one_spectrum_afterwards() -> None:
    bright, dark, same = noise(1), noise(2, 0.5), noise(3)
    before = mean_spectrum(dark.waveform) - mean_spectrum(bright.waveform)
    equal = equalize_spectra([bright, dark, same])
    spectra = [mean_spectrum(one.waveform) for one in equal]
    assert np.ptp(before) > 8
    assert np.ptp(spectra[1] - spectra[0]) < 2.5  # of 512 estimates each, a decibel is chance
    assert [one.name for one in equal] == ["noise-1", "noise-2", "noise-3"]
    assert [len(one.waveform) for one in equal] == [8 * SECOND] * 3


def test_a_filter_makes_no_difference_afterwards() -> None:
    """What a microphone does to an utterance is undone, in time as well as in level."""
    others = [noise(4), noise(5)]
    plain = noise(6)
    filtered = Utterance("f", "nobody", signal.lfilter([1], [1, -0.4], plain.waveform).astype("f"))
    first = equalize_spectra([plain, *others])[0].waveform
    second = equalize_spectra([filtered, *others])[0].waveform
    agreement = np.corrcoef(first, second)[0, 1]
    assert agreement > np.corrcoef(plain.waveform, filtered.waveform)[0, 1]


def test_nothing_is_raised_by_more_than_twenty_decibels() -> None:
    telephone = noise(7)
    sos = signal.butter(8, 3400, fs=SECOND, output="sos")
    narrow = signal.sosfilt(sos, telephone.waveform).astype(np.float32)
    equal = equalize_spectra([Utterance("t", "nobody", narrow), noise(8), noise(9), noise(10)])
    before, after = (
        signal.welch(waveform, SECOND, nperseg=512)[1] for waveform in (narrow, equal[0].waveform)
    )
    assert 19 < 10 * np.log10(after / before).max() < 20.5


@pytest.mark.parametrize("samples", [1, 100, SECOND])
def test_silence_and_short_ones_are_left_finite(samples: int) -> None:
    silent = Utterance("s", "nobody", np.zeros(samples, np.float32))
    equal = equalize_spectra([silent, noise(11)])
    assert np.array_equal(equal[0].waveform, silent.waveform)
    assert np.isfinite(equal[1].waveform).all()
