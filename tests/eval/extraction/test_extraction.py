"""The protocols of extraction on voices that are tones, with extractors that cannot fail."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError
from eval.embeddings.speech import Utterance
from eval.extraction.enrolments import KINDS
from eval.extraction.enrolments import draw as draw_enrolment
from eval.extraction.evaluation import evaluate, extraction, format_runs, measure_absence
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.extraction.overlap_verification import overlapped_stretches
from eval.extraction.study import Cell, conclude, cue_error, draw_study, format_study
from tse.cue_sources import EnrolmentCue, LogMelCue, OneHotCue
from tse.metrics import ExtractionSummary

pytest.importorskip("torchmetrics")
RATE = 16000


class Pitch:
    """An encoder that finds which of eight tones is the loudest."""

    def embed(self, audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        power = np.abs(np.fft.rfft(audio, n=sample_rate))[[200 + 100 * n for n in range(8)]]
        return (power / max(float(np.linalg.norm(power)), 1e-9)).astype(np.float32)


def speech() -> list[Utterance]:
    generator, found = np.random.default_rng(0), []
    for number in range(8):
        time = np.arange(RATE) / RATE
        for copy in range(1 if number == 7 else 3):
            tone = np.sin(2 * np.pi * (200 + 100 * number) * time + generator.uniform(0, 6))
            name = f"{number}-{copy}"
            found.append(Utterance(name, f"speaker-{number}", (0.3 * tone).astype(np.float32)))
    return found


def draw(condition: str, count: int = 6, **options: float) -> list[Trial]:
    noise = [np.random.default_rng(9).normal(size=8000).astype(np.float32)]
    settings = {"seconds": 0.5, "enrolment_s": 0.5, **options}
    return list(
        draw_trials(speech(), CONDITIONS[condition], count=count, seed=4, noise=noise, **settings)
    )


def test_trials_depend_on_seed_and_number_alone() -> None:
    few, many = draw("noisy-3", 3), draw("noisy-3", 6, enrolment_s=0.2)
    for one, other in zip(few, many, strict=False):
        assert one.speaker == other.speaker
        np.testing.assert_array_equal(one.made.mixture, other.made.mixture)
        np.testing.assert_array_equal(one.enrolment[:3200], other.enrolment)
    assert len({trial.made.mixture.tobytes() for trial in many}) == 6


@pytest.mark.parametrize("condition", CONDITIONS)
def test_mixtures_are_what_their_condition_says(condition: str) -> None:
    wanted, encoder = CONDITIONS[condition], Pitch()
    for trial in draw(condition):
        made = trial.made
        talking = len(made.interferers) + made.present
        assert (talking, made.present) == (wanted.speakers, not wanted.absent)
        assert bool(made.noise.any()) == wanted.noisy
        enrolled = encoder.embed(trial.enrolment, RATE)
        assert trial.speaker == f"speaker-{enrolled.argmax()}" != "speaker-7"
        wrong = encoder.embed(trial.wrong_enrolment, RATE)
        assert wrong.argmax() != enrolled.argmax()
        if made.interferers:
            assert wrong.argmax() == encoder.embed(made.interferers[0], RATE).argmax()
        if made.present:
            assert encoder.embed(made.target, RATE).argmax() == enrolled.argmax()


def test_a_telephone_changes_the_sound_and_nothing_else() -> None:
    for plain, called, crossed in zip(
        *(draw(name) for name in ("clean-2", "phone-2", "to-phone-2")), strict=True
    ):
        assert plain.speaker == called.speaker == crossed.speaker
        np.testing.assert_array_equal(called.made.mixture, crossed.made.mixture)
        np.testing.assert_array_equal(plain.enrolment, crossed.enrolment)
        assert not np.array_equal(plain.enrolment, called.enrolment)
        spectrum = np.abs(np.fft.rfft(called.made.mixture)) ** 2
        assert spectrum[len(spectrum) // 2 :].sum() < 1e-3 * spectrum.sum()  # above 4 kHz


def test_impossible_conditions_are_told() -> None:
    with pytest.raises(ArgumentError, match="noise"):
        list(draw_trials(speech(), CONDITIONS["noisy-2"], count=1, seed=0))
    with pytest.raises(ArgumentError, match="two utterances"):
        list(draw_trials(speech()[:6], CONDITIONS["clean-3"], count=1, seed=0))


def test_perfect_confused_and_idle_extractors() -> None:
    trials = draw("clean-2")
    results = [
        evaluate(trials, extract, condition="clean-2", enrolment_s=0.5, encoder=Pitch())  # type: ignore[arg-type]
        for extract in (
            lambda trial: trial.made.target,
            lambda trial: trial.made.interferers[0],
            extraction(None),
        )
    ]
    perfect, confused, idle = (result.summary for result in results)
    assert (perfect.accepted, perfect.negative, perfect.nearer_interferer) == (1, 0, 0)
    assert (confused.accepted, confused.negative) == (0, 1)
    assert (confused.nearer_interferer, confused.louder_interferer) == (1, 1)
    assert idle.improvement_db == pytest.approx(0) and idle.accepted == 0
    table = format_runs(results)
    assert table.count("\n") == 4 and "| clean-2" in table


def test_absence_is_attenuation_and_detection() -> None:
    absent, present = draw("absent-2"), draw("clean-2")

    def gated(trial: Trial) -> NDArray[np.float32]:
        return trial.made.target if trial.made.present else trial.made.mixture / 100

    found = measure_absence(absent, present, gated, Pitch())  # type: ignore[arg-type]
    assert found.attenuation_db == pytest.approx(40, abs=0.1)
    assert found.detection_eer == 0 and found.silent == 0
    silent = measure_absence(absent, present, lambda trial: trial.made.target, Pitch())  # type: ignore[arg-type]
    assert silent.silent == len(absent) and silent.attenuation_db == math.inf


SUMMARY = ExtractionSummary(10, 0.0, 5.0, 0.9, 0.05, 0.1, 0.1, {}, {})


def test_the_study_says_what_came_out(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("matplotlib")
    figures = {"a": (0.05, 3.0), "b": (0.1, 5.0), "c": (0.2, 7.0), "d": (math.nan, 1.0)}
    cells = [
        Cell(cue, fusion, replace(SUMMARY, improvement_db=gain - worse), eer)
        for cue, (eer, gain) in figures.items()
        for fusion, worse in (("film", 0.0), ("add", 1.0))
    ]
    text = conclude(cells)
    assert "Best: c with film, SI-SDRi 7.00 dB" in text
    assert "does not go" in text and "1.00" in text
    turned = [replace(cell, verification_eer=1 - cell.verification_eer) for cell in cells]
    assert "lower EER goes with" in conclude(turned)
    assert "Too few" in conclude(cells[:4])
    table = format_study(cells)
    assert table.index("| c ") < table.index("| d ")
    draw_study(cells, tmp_path / "study.png")
    assert (tmp_path / "study.png").stat().st_size > 1000


def test_cues_that_cannot_verify_have_no_error_rate() -> None:
    utterances = speech()
    assert math.isnan(cue_error(EnrolmentCue(), utterances))
    assert math.isnan(cue_error(OneHotCue(("a",)), utterances))
    assert cue_error(LogMelCue(), utterances) <= 0.5


def test_overlapped_stretches_have_one_set_of_speakers() -> None:
    annotation = Annotation()
    turns = [(0, 5, "A"), (2, 4, "B"), (3.5, 8, "C"), (6, 6.5, "A")]
    for track, (start, end, name) in enumerate(turns):
        annotation[Segment(start, end), track] = name
    found = overlapped_stretches(annotation)
    assert [(s.start, s.end) for s in found] == [(2, 3.5), (4, 5)]


def test_enrolments_of_two_voices_hold_both() -> None:
    long = [Utterance(one.name, one.speaker, np.tile(one.waveform, 3)) for one in speech()]
    generator, encoder = np.random.default_rng(0), Pitch()
    for kind in KINDS:
        made = draw_enrolment(long, kind, 3.0, generator)
        assert len(made) == 3 * RATE
        first, last = (encoder.embed(part, RATE).argmax() for part in (made[:RATE], made[-RATE:]))
        assert (first != last) == (kind == "two in turn")
        loud = encoder.embed(made[:RATE], RATE) > 0.3
        assert loud.sum() == (2 if kind == "two at once" else 1)
    with pytest.raises(ArgumentError, match="two speakers have no 3 s"):
        draw_enrolment(long[:2], "one voice", 3.0, generator)
