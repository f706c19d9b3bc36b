from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tse.metrics import (
    MEASURES,
    ExtractionScore,
    attenuation_db,
    detection_error,
    score_extraction,
    si_sdr,
    summarise,
)
from tse.models import BandSplitConfig, TimeDomainConfig, build_network
from tse.models.complexity import measure_complexity
from tse.models.conditioning import ConditioningConfig

pytest.importorskip("torchmetrics")


class Loudness:
    """An encoder to which a voice is its share of samples above zero."""

    def embed(self, audio, sample_rate):  # type: ignore[no-untyped-def]
        angle = np.pi * np.mean(audio > 0)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_si_sdr_of_a_hand_worked_case() -> None:
    target = np.tile([1.0, -1.0], 50).astype(np.float32)
    error = np.tile([1.0, 1.0, -1.0, -1.0], 25).astype(np.float32)
    assert si_sdr(3 * target + 0.3 * error + 2, target) == pytest.approx(20.0, abs=1e-3)
    assert math.isnan(si_sdr(target, 0 * target))


def test_a_mixture_left_as_it_is_gains_nothing() -> None:
    generator = np.random.default_rng(0)
    target, other = generator.normal(size=(2, 16000)).astype(np.float32)
    mixture = target + other
    score = score_extraction(mixture, target, mixture, [other])
    assert score.improvement_db == 0
    perfect = score_extraction(target, target, mixture, [other])
    assert perfect.improvement_db > 40 and perfect.interferer_db < -20
    confused = score_extraction(other, target, mixture, [other])
    assert confused.improvement_db < -20 and confused.interferer_db > 40


def test_verification_tells_whose_voice_it_is() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(3, 4000)).astype(np.float32)
    target, other = noise[0] - 1, noise[1] + 1
    score = score_extraction(other, target, target + other, [other], encoder=Loudness())  # type: ignore[arg-type]
    assert score.interferer_similarity > score.target_similarity
    silent = score_extraction(0 * other, target, target + other, [other], encoder=Loudness())  # type: ignore[arg-type]
    assert math.isnan(silent.target_similarity)


def test_the_four_confusions_and_failures_are_counted() -> None:
    scores = [
        ExtractionScore(0.0, 10.0, -5.0, 0.9, 0.1, {"PESQ": 2.0}),
        ExtractionScore(0.0, 0.5, 1.0, 0.2, 0.3, {"PESQ": math.nan}),
        ExtractionScore(1.0, -2.0, 3.0, math.nan, math.nan, {"PESQ": 4.0}),
        ExtractionScore(0.0, math.nan, math.nan, 0.5, 0.1, {"PESQ": 3.0}),
    ]
    found = summarise(scores)
    assert found.mixtures == 4
    assert found.improvement_db == pytest.approx((10 + 0.5 - 3) / 3)
    assert found.accepted == pytest.approx(1 / 3)
    assert found.negative == pytest.approx(1 / 3)
    assert found.nearer_interferer == pytest.approx(1 / 3)
    assert found.louder_interferer == pytest.approx(2 / 3)
    assert found.measures == {"PESQ": 3.0}
    assert found.failures == {"SI-SDR": 1, "similarity": 1, "PESQ": 1}
    assert math.isnan(summarise([]).improvement_db)


def test_a_measure_that_fails_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(estimate: object, target: object) -> float:
        raise RuntimeError("no utterance")

    monkeypatch.setitem(MEASURES, "PESQ", fail)
    noise = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    score = score_extraction(noise, noise, noise, [], measures=["PESQ"])
    assert math.isnan(score.measures["PESQ"])
    assert summarise([score]).failures["PESQ"] == 1


@pytest.mark.parametrize(("name", "package"), [("PESQ", "pesq"), ("STOI", "pystoi")])
def test_perceptual_measures_prefer_less_noise(name: str, package: str) -> None:
    pytest.importorskip(package)
    generator = np.random.default_rng(0)
    time = np.arange(24000) / 16000
    envelope = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    carrier = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    target = (0.2 * envelope * carrier).astype(np.float32)
    noise = 0.05 * generator.normal(size=24000).astype(np.float32)
    clean, noisy = (MEASURES[name](target + gain * noise, target) for gain in (0.05, 2.0))
    assert clean > noisy


def test_what_is_left_of_absent_targets() -> None:
    mixture = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert attenuation_db(mixture / 10, mixture) == pytest.approx(20.0, abs=1e-4)
    assert attenuation_db(0 * mixture, mixture) == math.inf
    assert math.isnan(attenuation_db(mixture, 0 * mixture))
    assert detection_error([0.9, 0.8], [0.1, math.nan]) == 0
    assert detection_error([0.9, 0.1], [0.8, math.nan]) == pytest.approx(0.5)


def test_operations_of_a_hand_worked_network() -> None:
    config = TimeDomainConfig(
        window_samples=10, hop_samples=10, filters=8, bottleneck=4, hidden=6, blocks=1, repeats=1,
        fusion="add", conditioning=ConditioningConfig(5, 0, 3), causal=True,
    )  # fmt: skip
    frames = 16000 // 10
    reader = 5 * 3 + 3 * 3
    each = 10 * 8 + 8 * 4 + 4 * 6 + 6 * 3 + 6 * 4 + 4 * 8 + 8 * 10
    # Before the first frame, the depthwise convolution has two frames of zeros.
    found = measure_complexity(build_network(config).eval())
    assert found.macs_per_second == pytest.approx(reader + 3 * 4 + frames * each)
    assert found.latency_ms == pytest.approx(10 / 16)


def test_recurrent_layers_are_counted() -> None:
    def macs(bottleneck: int) -> float:
        config = BandSplitConfig(
            channels=4, hidden=4, blocks=1, bottleneck=bottleneck, mask_hidden=4,
            spectral_map=False,
        )  # fmt: skip
        torch.manual_seed(0)
        return measure_complexity(build_network(config).eval()).macs_per_second

    frames, bands, width = 51, 20, 8
    expected = frames * (2 * bands * 4 * width + 2 * 4 * (width // 2) * (width + width // 2))
    expected += frames * width * width + 128 * 2 * width  # after the recurrence; FiLM
    assert macs(8) - macs(2) == pytest.approx(
        expected - frames * (2 * bands * 4 * 2 + 2 * 4 * 1 * 3) - frames * 2 * 2 - 128 * 2 * 2
    )
