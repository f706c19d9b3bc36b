"""The study of encoders as cues: error rates of drawn speakers, and what speaks for each claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.verification.metrics import equal_error_rate
from eval.extraction.findings import find
from eval.extraction.study_figures import CellFigures, Draws, StudyFigures
from eval.extraction.study_report import draw_study, format_study, measure_rows
from eval.extraction.study_verification import VerificationPairs
from eval.verification.all_pairs import score_all_pairs

SPEAKERS = tuple(f"s{number % 6}" for number in range(24))


def vectors(spread, seed=0):
    """Three or more vectors of each of six speakers, so much apart from their speaker's own."""
    generator = np.random.default_rng(seed)
    own = generator.normal(size=(6, 8))
    rows = own[[int(name[1]) for name in SPEAKERS]]
    return (rows + spread * generator.normal(size=rows.shape)).astype(np.float32)


@given(seed=st.integers(0, 99), spread=st.floats(0.1, 3))
@settings(deadline=None, max_examples=25)
def test_the_error_rate_is_that_of_the_library(seed, spread):
    made = vectors(spread, seed)
    scores, labels = score_all_pairs(made, SPEAKERS)
    found = VerificationPairs.of(made, SPEAKERS).error_rate()
    assert found == pytest.approx(equal_error_rate(scores, labels), abs=2e-3)


@given(seed=st.integers(0, 99), counts=st.lists(st.integers(0, 3), min_size=6, max_size=6))
@settings(deadline=None, max_examples=25)
def test_who_is_drawn_twice_is_two_people(seed, counts):
    made = vectors(1.5, seed)
    people = {f"s{number}": count for number, count in enumerate(counts)}
    found = VerificationPairs.of(made, SPEAKERS).error_rate(people)
    rows, names = [], []
    for row, name in enumerate(SPEAKERS):
        for copy in range(people[name]):
            rows.append(row)
            names.append(f"{name}-{copy}")
    people_drawn = sum(count > 0 for count in counts)
    if people_drawn < 2:
        assert np.isnan(found)
        return
    # A copy is another person, who is never compared with the first: leave these pairs out.
    scores, labels = score_all_pairs(made[rows], names)
    _, same = score_all_pairs(made[rows], [name.partition("-")[0] for name in names])
    kept = labels | ~same
    assert found == pytest.approx(equal_error_rate(scores[kept], labels[kept]), abs=5e-3)


def study(gains, spreads=(0.3, 0.7, 1.2, 1.8, 2.5), **options):
    """Encoders of growing error rate, with these mean gains over forty mixtures."""
    generator = np.random.default_rng(1)
    noise = generator.normal(size=40)
    cells = [
        CellFigures(
            f"encoder {number}",
            "utterance",
            f"origin {number}",
            open_db=gain + 0.1 * noise,
            closed_db=gain + 0.1 * noise,
            pairs=VerificationPairs.of(vectors(spread), SPEAKERS),
            encoder=f"{number}",
        )
        for number, (gain, spread) in enumerate(zip(gains, spreads, strict=True))
    ]
    speakers = tuple(f"s{number % 6}" for number in range(40))
    return StudyFigures((*cells, *options.get("more", ())), speakers, speakers)


def ask(made):
    return find(made, Draws(made, resamples=200))


def test_a_correlation_is_told_from_its_opposite_and_from_none():
    falling, rising, mixed = (
        ask(study(gains))[0] for gains in ([5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [2, 1, 5, 1, 2])
    )
    spearman = "Spearman of EER and SI-SDRi"
    assert falling.verdict.startswith("contradicted") and falling.figures[spearman].value < -0.99
    assert "best verifier is encoder 0, the best cue encoder 0" in falling.verdict
    assert rising.verdict.startswith("confirmed, and more")
    assert rising.figures["best cue less best verifier, dB"].value == pytest.approx(4)
    assert mixed.verdict.startswith("neither") and mixed.figures[spearman].low < 0


def test_codes_headroom_and_the_best_cue_of_each_mixture_are_asked_for():
    halves = np.where(np.arange(40) % 2, 6.0, 0.0)
    code = CellFigures("one-hot", "one-hot", "one-hot", None, np.full(40, 9.0))
    turned = CellFigures(
        "turned", "log-mel", "x", halves, halves, np.full(10, 1.0), np.full(10, 4.0)
    )
    made = study([4.0, 3.9, 3.8, 3.7, 3.6], more=(code, turned))
    _, codes, depends, headroom = ask(made)
    assert codes.verdict.startswith("confirmed") and "encoder 0" in codes.verdict
    assert next(iter(codes.figures.values())).value == pytest.approx(5, abs=0.1)
    oracle, clearly = depends.figures.values()
    assert clearly.value == 50 and oracle.value == pytest.approx(1, abs=0.1)
    assert headroom.figures["headroom of turned, dB"].value == 3
    assert headroom.verdict.startswith("1 of 1")
    again = replace(made.cells[0], label="encoder 0 again", seed=1)
    chance = ask(replace(made, cells=(*made.cells, again)))[2].figures
    assert chance["the same with encoder 0 of another seed, dB"].value == 0
    worse = replace(code, closed_db=np.full(40, 1.0))
    found = ask(study([4.0, 3.9, 3.8, 3.7, 3.6], more=(worse,)))
    assert found[1].verdict.startswith("contradicted")
    assert [one.claim for one in ask(StudyFigures((code,), (), made.closed_speakers))] == []


def test_a_report_holds_every_cue_and_claim(tmp_path):
    pytest.importorskip("matplotlib")
    code = CellFigures("one-hot", "one-hot", "one-hot", None, np.full(40, 9.0))
    made = study([5, 4, 3, 2, 1], more=(code,))
    draws = Draws(made, resamples=50)
    rows = measure_rows(made, draws)
    text = format_study(rows, find(made, draws))
    assert [row.label for row in rows[:2]] == ["one-hot", "encoder 0"]
    assert "1. Verification does not predict extraction: contradicted" in text
    assert "| one-hot   | one-hot" in text
    draw_study(rows, tmp_path / "study.svg")
    assert (tmp_path / "study.svg").stat().st_size > 1000
