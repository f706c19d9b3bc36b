"""Hard cases: how they are made, what is expected of them, and the command that runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment

from diarspk.metrics import Components
from eval.cases.__main__ import main
from eval.cases.cases import CASES, QUICK
from eval.cases.expectation import Expectation, Finding
from eval.cases.recordings import CaseSources, Recording, add_sound, one_sentence
from eval.cases.sounds import cry, through_loudspeaker
from eval.counting.session_set import SessionSource
from eval.simulate.conversation import Sources
from tests.paths import SHARED
from tests.tiny_model import write_tiny_model

RATE = 16000


def noise(seconds: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=round(seconds * RATE)).astype(np.float32)


def test_an_expectation_tells_what_is_wrong() -> None:
    expected = Expectation((1, 2), max_der=0.1, max_false_alarm_s=1.0, warning="quiet")
    good = Finding(2, Components(miss=1.0, total=10.0), ["the recording is very quiet"])
    assert expected.faults(good) == []
    bad = Finding(3, Components(miss=1.0, false_alarm=2.0, total=10.0))
    assert expected.faults(bad) == [
        "3 found",
        "DER 30.0 %",
        "false alarm 2.0 s",
        "no such warning",
    ]
    assert str(expected) == ('1 to 2 found, DER up to 10 %, false alarm up to 1 s, warning "quiet"')
    assert str(Expectation((0, 0))) == "0 found"


def test_a_cry_has_a_high_pitch_and_pauses() -> None:
    crying = cry(20.0, np.random.default_rng(0))
    assert np.array_equal(crying, cry(20.0, np.random.default_rng(0)))
    assert np.mean(crying[crying != 0] ** 2) == pytest.approx(1.0, abs=1e-3)
    assert 0.2 < (crying != 0).mean() < 0.9
    first = crying[2000:6000]  # inside of the first cry
    spectrum = np.abs(np.fft.rfft(first * np.hanning(len(first)), 8 * len(first)))
    autocorrelation = np.fft.irfft(spectrum**2)[: RATE // 200]
    shortest = RATE // 700
    period = shortest + int(np.argmax(autocorrelation[shortest:]))
    assert 250 < RATE / period < 600


def test_a_loudspeaker_passes_the_band_of_a_telephone() -> None:
    speech = noise(2.0, 0)
    passed = through_loudspeaker(speech, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(passed)) ** 2
    frequency = np.fft.rfftfreq(len(passed), 1 / RATE)
    assert len(passed) == len(speech)
    assert power[frequency > 4500].sum() < 0.05 * power.sum()


def test_a_sound_lies_as_far_below_the_speech_as_was_asked_for() -> None:
    samples = np.zeros(4 * RATE, np.int16)
    samples[RATE : 3 * RATE] = (3000 * noise(2.0, 1)).clip(-30000, 30000)
    reference = Annotation()
    reference[Segment(1.0, 3.0), 0] = "anna"
    made = add_sound(Recording(samples, reference), noise(0.5, 2), below_db=10.0)
    parts = (made.samples[RATE : 3 * RATE], made.samples[: RATE // 2])
    both, sound = (10 * np.log10(np.mean(part.astype(float) ** 2)) for part in parts)
    assert both - sound == pytest.approx(10 * np.log10(11), abs=0.2)  # ten parts and one
    assert np.abs(made.samples.astype(int)).max() == pytest.approx(0.9 * 32767, abs=1)


def test_one_sentence_is_where_the_reference_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "eval.cases.recordings.simulate_room", lambda *_, **__: np.ones((1, 1), np.float32)
    )
    sources = CaseSources(SessionSource(Path("nowhere")))
    voices = {"anna": [noise(4.0, 3)]}
    sources.__dict__["talk"] = Sources(voices, [], [noise(4.0, 4)])
    made = one_sentence(sources, seconds=3.0, total_s=30.0, generator=np.random.default_rng(0))
    (turn,) = made.reference.get_timeline()
    assert (turn.duration, made.reference.labels()) == (pytest.approx(3.0), ["anna"])
    spoken = np.zeros(30 * RATE, bool)
    spoken[round(turn.start * RATE) : round(turn.end * RATE)] = True
    power = [np.mean(made.samples[part].astype(float) ** 2) for part in (spoken, ~spoken)]
    assert 14.5 < 10 * np.log10(power[0] / power[1]) < 25.5


def test_names_are_given_once_and_quick_cases_need_no_voices() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) and set(QUICK) <= set(names)
    assert all((case.make is None) == bool(case.excerpt) for case in CASES)


def test_a_case_that_fails_is_a_row_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = write_tiny_model(tmp_path)  # to which everything is speech
    short = replace(
        CASES[5], make=lambda *_: Recording(_integers(cry(5.0, _random())), Annotation())
    )
    assert short.name == "baby-alone"
    monkeypatch.setattr("eval.cases.__main__.CASES", (short,))
    words = ["--data", str(tmp_path), "--output", str(tmp_path / "set"), "--cases", "baby-alone"]
    words += ["--encoder", str(card), "--json", str(tmp_path / "cases.json")]
    assert main(words) == 0
    table = capsys.readouterr().out
    assert "| 1 / 0 " in table and "no: 1 found, false alarm" in table
    assert "0 of 1 are as expected" in table
    first = (tmp_path / "set" / "seed-1" / "baby-alone.flac").read_bytes()
    assert main([*words, "--strict"]) == 1
    assert (tmp_path / "set" / "seed-1" / "baby-alone.flac").read_bytes() == first
    (found,) = json.loads((tmp_path / "cases.json").read_text())["results"]
    assert found["case"] == "baby-alone" and found["faults"][0] == "1 found"


def test_what_is_missing_is_told_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(tmp_path), "--output", str(tmp_path / "set")]
    for case in ("trn01", "music-alone"):
        assert main([*words, "--cases", case]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ") and str(tmp_path) in line
    assert not (tmp_path / "set").exists()


needs_data = pytest.mark.skipif(
    not (SHARED / "speech").is_dir(), reason="needs the development data"
)


@needs_data
def test_music_alone_and_a_quiet_excerpt_are_as_expected(tmp_path: Path) -> None:
    words = ["--data", str(SHARED), "--output", str(tmp_path), "--cases", "music-alone", "trn01"]
    assert main([*words, "--strict"]) == 0


@pytest.mark.long
@needs_data
def test_most_hard_cases_are_as_expected(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    words = ["--data", str(SHARED), "--output", str(tmp_path / "set"), "--json", str(file)]
    assert main(words) == 0
    found = json.loads(file.read_text())["results"]
    assert [one["case"] for one in found] == [case.name for case in CASES]
    assert sum(not one["faults"] for one in found) >= len(CASES) // 2


def _random() -> np.random.Generator:
    return np.random.default_rng(0)


def _integers(waveform: np.ndarray) -> np.ndarray:
    return np.asarray((32767 * 0.9 / np.abs(waveform).max() * waveform).astype(np.int16))
