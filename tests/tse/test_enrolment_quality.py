"""What enrolments weigh, and what is told of unfit ones."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

import diarspk
from diarspk.errors import AudioError, SpeechWarning
from diarspk.features.speech_quality import SpeechQuality
from tests.tiny_model import tone, write_tiny_model
from tse import enrolment_check
from tse.cue_sources import UtteranceCue
from tse.cues import Reference
from tse.enrolment_check import check_enrolments, find_second_voice
from tse.enrolment_quality import EnrolmentQuality, rate_enrolments

RATE = 16000
GOOD = EnrolmentQuality(8.0, 18.0, 0.8, 0.3, 0.9)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> diarspk.SpeakerEncoder:
    return diarspk.load_encoder(write_tiny_model(tmp_path_factory.mktemp("quality")))


def test_a_weight_is_the_product_of_what_makes_it_fit() -> None:
    assert GOOD.weight == pytest.approx(0.8 * 0.9 * 0.8 * 0.9)
    assert EnrolmentQuality(30.0).weight == 1.0  # what is unknown takes nothing away


@pytest.mark.parametrize(
    ("name", "better"), [("speech_s", 9.0), ("ratio_db", 19.0), ("agreement", 0.9), ("purity", 1)]
)
def test_more_of_anything_good_weighs_more(name: str, better: float) -> None:
    assert replace(GOOD, **{name: better}).weight > GOOD.weight
    assert replace(GOOD, rival=math.nan, **{name: -100.0}).weight > 0


def test_what_is_of_somebody_else_weighs_nothing() -> None:
    assert replace(GOOD, is_outlier=True).weight == 0
    assert replace(GOOD, rival=0.81).weight == 0
    assert replace(GOOD, rival=math.nan).weight == GOOD.weight


@pytest.mark.parametrize(
    ("quality", "text"),
    [
        (GOOD, None),
        (EnrolmentQuality(1.5, 30.0), "1.5 s of speech.*give a longer recording"),
        (EnrolmentQuality(5.0, 6.0), "6 dB above the background.*give a quieter recording"),
        (replace(GOOD, agreement=0.1), "hardly sounds like.*cosine 0.10"),
        (replace(GOOD, agreement=0.1, is_outlier=True), "is left out"),
    ],
)
def test_doubts_name_what_was_found_and_the_remedy(
    quality: EnrolmentQuality, text: str | None
) -> None:
    if text is None:
        assert quality.doubts == []
    else:
        (doubt,) = quality.doubts
        assert re.search(text, doubt)


def test_another_voice_among_enrolments_is_an_outlier(encoder: diarspk.SpeakerEncoder) -> None:
    clips = [tone("ann", seed=seed) for seed in range(4)] + [tone("eve")]
    vectors = encoder.embed_batch(clips, RATE)
    rated = rate_enrolments(clips, vectors)
    assert [one.is_outlier for one in rated] == [False] * 4 + [True]
    ben = encoder.embed(tone("ben"), RATE)[None]
    near = rate_enrolments(clips[:3], vectors[:3], rivals=ben)
    assert all(
        one.rival == pytest.approx(float(ben[0] @ v))
        for one, v in zip(near, vectors[:3], strict=True)
    )
    known = rate_enrolments(clips[:1], measures=[SpeechQuality(2.5, 12.0)], purities=[0.5])
    assert (known[0].speech_s, known[0].ratio_db, known[0].purity) == (2.5, 12.0, 0.5)
    assert math.isnan(known[0].agreement)


def test_the_vector_of_a_cue_is_the_weighted_mean(encoder: diarspk.SpeakerEncoder) -> None:
    one, other = tone("ann"), tone("ben")
    cue = UtteranceCue(encoder)([Reference(one, weight=3.0), Reference(other, weight=1.0)])
    vectors = encoder.embed_batch([one, other], RATE)
    mean = (3 * vectors[0] + vectors[1]) / 4
    assert cue.vector is not None
    np.testing.assert_allclose(cue.vector[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_unfit_enrolments_are_told_by_name(
    encoder: diarspk.SpeakerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolment_check, "Diarizer", lambda: None)
    monkeypatch.setattr(enrolment_check, "find_second_voice", lambda waveform, diarizer: 0.0)
    with pytest.raises(AudioError, match=r"me.wav: an enrolment must last 0.2 s .* got 0.10 s"):
        check_enrolments([tone("ann", 0.1)], ["me.wav"])
    with pytest.raises(AudioError, match=r"me.wav: an enrolment must not be silent"):
        check_enrolments([np.zeros(RATE, np.float32)], ["me.wav"])
    clips = [tone("ann", 6.0, seed=seed) for seed in range(4)] + [tone("eve", 6.0)]
    names = [f"{number}.wav" for number in range(5)]
    with pytest.warns(SpeechWarning, match="4.wav: does not sound like the other"):
        kept = check_enrolments(clips, names, encoder)
    assert len(kept) == 4 and all(0 < one.weight <= 1 for one in kept)
    monkeypatch.setattr(enrolment_check, "find_second_voice", lambda waveform, diarizer: 2.5)
    with pytest.warns(SpeechWarning, match="me.wav: has a second voice for 2.5 s; .*alone"):
        check_enrolments(clips[:1], ["me.wav"])
    monkeypatch.setattr(enrolment_check, "find_second_voice", lambda waveform, diarizer: math.nan)
    with pytest.warns(SpeechWarning, match="me.wav: no speech was found"):
        check_enrolments(clips[:1], ["me.wav"])


def test_one_voice_is_one_and_silence_is_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    diarizer = diarspk.Diarizer.load(write_tiny_model(tmp_path_factory.mktemp("voices")))
    assert find_second_voice(tone("ann", 6.0), diarizer) < enrolment_check.MIN_SECOND_S
