"""Whether an extracted voice is the enrolled one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import diarspk
from diarspk.errors import SpeechWarning
from eval.extraction.mixtures import CONDITIONS
from eval.extraction.presence import report
from tests.tiny_model import tone, write_tiny_model
from tse.cues import Cue
from tse.extraction import _warn_of_absence
from tse.presence import MIN_SIMILARITY, PresenceMeter

RATE = 16000


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> diarspk.SpeakerEncoder:
    return diarspk.load_encoder(write_tiny_model(tmp_path_factory.mktemp("presence")))


def similarity(meter: PresenceMeter | None, *blocks: np.ndarray) -> float:
    assert meter is not None
    for block in blocks:
        meter.push(block)
    return meter.finish()


def meter_of(encoder: diarspk.SpeakerEncoder, name: str) -> PresenceMeter | None:
    vector = torch.from_numpy(encoder.embed(tone(name), RATE))
    return PresenceMeter.for_cue(encoder, Cue(vector[None]))


def test_the_voice_itself_is_similar_and_another_is_not(encoder: diarspk.SpeakerEncoder) -> None:
    own = similarity(meter_of(encoder, "ann"), tone("ann", 4.0, seed=1))
    other = similarity(meter_of(encoder, "ann"), tone("eve", 4.0, seed=1))
    assert own > 0.9 > MIN_SIMILARITY > other


def test_the_most_similar_stretch_counts_whatever_the_blocks(
    encoder: diarspk.SpeakerEncoder,
) -> None:
    voice = np.concatenate([tone("eve", 8.0), tone("ann", 4.0), np.zeros(80000, np.float32)])
    whole = similarity(meter_of(encoder, "ann"), voice)
    parts = similarity(meter_of(encoder, "ann"), *np.array_split(voice, 7))
    assert whole == pytest.approx(parts, abs=1e-6) and whole > 0.9


def test_silence_has_no_similarity(encoder: diarspk.SpeakerEncoder) -> None:
    assert math.isnan(similarity(meter_of(encoder, "ann"), np.zeros(100000, np.float32)))
    assert math.isnan(similarity(meter_of(encoder, "ann")))


def test_a_cue_without_an_embedding_has_no_meter(encoder: diarspk.SpeakerEncoder) -> None:
    assert PresenceMeter.for_cue(encoder, Cue(sequence=torch.zeros(1, 3, 8))) is None
    assert PresenceMeter.for_cue(encoder, Cue(torch.zeros(1, 5))) is None
    assert PresenceMeter.for_cue(None, Cue(torch.zeros(1, 8))) is None


def test_a_report_has_the_threshold_that_few_present_voices_miss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {"clean-2": np.linspace(0.5, 1.0, 101), "absent-2": np.linspace(-0.2, 0.45, 50)}
    assert set(found) <= set(CONDITIONS)
    made = report(found)
    assert made["threshold"] == pytest.approx(0.51)
    assert made["detection_eer"] == {"absent-2": 0.0}
    assert "| absent-2" in capsys.readouterr().out


@pytest.mark.parametrize(("found", "text"), [(0.1, "a cosine of 0.10"), (math.nan, "is silent")])
def test_an_absent_voice_is_told(
    encoder: diarspk.SpeakerEncoder, monkeypatch: pytest.MonkeyPatch, found: float, text: str
) -> None:
    meter = meter_of(encoder, "ann")
    monkeypatch.setattr(PresenceMeter, "finish", lambda self: found)
    with pytest.warns(SpeechWarning, match=f"v.wav: the enrolled voice was probably not .*{text}"):
        _warn_of_absence(meter, "v.wav")
    monkeypatch.setattr(PresenceMeter, "finish", lambda self: MIN_SIMILARITY)
    _warn_of_absence(meter, "v.wav")
    _warn_of_absence(None, "v.wav")
