"""Scorings of pairs: what each reads, and that a cohort makes groups of voices equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering.plda import Plda
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ArgumentError, ModelError
from diarspk.verification.calibration import fit_calibration
from diarspk.verification.cohort import Cohort
from diarspk.verification.scoring import PairScorer, calibration_name, load_scorer
from tests.paths import ROOT

ASSETS = ROOT / "diarspk" / "assets"


def voices(people: int, each: int, alike: float, seed: int) -> NDArray[np.float32]:
    """Unit vectors of people who share a direction: the more of it, the more alike they are."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(people, 24)), each, axis=0)
    rows = centres + 0.6 * random.normal(size=(people * each, 24))
    rows[:, 0] += alike
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def pairs(people: int, each: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    first, second = np.triu_indices(people * each, k=1)
    return first, second, first // each == second // each


def test_a_cohort_makes_voices_that_are_alike_no_more_often_mistaken() -> None:
    people = np.concatenate([voices(60, 1, 0.0, 1), voices(60, 1, 5.0, 2)])
    cohort = Cohort(people, -people)
    groups = voices(30, 6, 0.0, 3), voices(30, 6, 5.0, 4)
    first, second, labels = pairs(30, 6)
    alarms = {}
    for scorer in (PairScorer("cosine"), PairScorer("cohort", cohort=cohort)):
        sides = [(rows[first], rows[second]) for rows in groups]
        scores = np.concatenate([scorer.scores(*side) for side in sides])
        quality = [scorer.quality(*side) for side in sides]
        joined = {name: np.concatenate([one[name] for one in quality]) for name in quality[0]}
        calibration = fit_calibration(scores, np.tile(labels, 2), quality=joined)
        fitted = PairScorer(scorer.scoring, calibration, scorer.cohort)
        accepted = [fitted.log_likelihood_ratios(*side) >= 0 for side in sides]
        alarms[scorer.scoring] = [one[~labels].mean() for one in accepted]
    plain, alike = alarms["cosine"]
    assert alike > 4 * plain
    plain, alike = alarms["cohort"]
    assert 1 / 2 < alike / plain < 2
    assert max(alarms["cohort"]) < max(alarms["cosine"]) / 2


def test_other_people_come_by_the_channel_of_the_other_voice() -> None:
    people = voices(40, 1, 0.0, 1)
    line = np.zeros(24, np.float32)
    line[1] = 2.0
    away = people + line
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    scorer = PairScorer("cohort", cohort=Cohort(people, away))
    voice, same = voices(1, 2, 0.0, 5)[:, None]
    called = (same + line) / np.linalg.norm(same + line)
    assert not scorer.cohort.is_telephone(voice[0]) and scorer.cohort.is_telephone(called[0])
    (recorded,) = scorer.quality(voice, same)["cohort_mean"]
    (mixed,) = scorer.quality(voice, called)["cohort_mean"]
    (by_line,) = scorer.quality(called, called)["cohort_mean"]

    def near(vector: NDArray[np.float32], others: NDArray[np.float32]) -> float:
        return float(np.sort(others @ vector)[-20:].mean())

    assert recorded == pytest.approx((near(voice[0], people) + near(same[0], people)) / 2)
    assert mixed == pytest.approx((near(voice[0], away) + near(called[0], people)) / 2, abs=1e-6)
    assert by_line == pytest.approx(near(called[0], away), abs=1e-6)
    assert mixed < recorded < by_line


def test_ratios_of_pairs_are_those_of_the_table() -> None:
    random = np.random.default_rng(0)
    plda = Plda(
        random.normal(size=5), random.normal(size=5), random.normal(size=(5, 4)), np.ones(4)
    )
    first, second = random.normal(size=(2, 7, 5))
    table = plda.log_likelihood_ratio(first, second)
    np.testing.assert_allclose(plda.pair_log_likelihood_ratio(first, second), np.diag(table))
    np.testing.assert_allclose(PairScorer("plda", plda=plda).scores(first, second), np.diag(table))
    with pytest.raises(ArgumentError, match="must have 7 rows"):
        plda.pair_log_likelihood_ratio(first, second[:3])


def test_the_embedded_encoder_has_every_scoring() -> None:
    """They go with the weights: `eval.verification.calibration --write` after each."""
    fingerprint = read_checkpoint(ASSETS / f"{DEFAULT}.json").fingerprint
    random = np.random.default_rng(0)
    rows = random.normal(size=(4, 192)).astype(np.float32)
    for scoring in ("cosine", "cohort", "plda"):
        scorer = load_scorer(fingerprint, scoring)
        assert scorer.scoring == scoring and scorer.calibration is not None
        assert scorer.calibration.fingerprint == fingerprint
        assert "of one sex and one corpus" in scorer.calibration.fitted_on
        ratios = scorer.log_likelihood_ratios(rows, rows[::-1])
        assert ratios.shape == (4,) and np.isfinite(ratios).all()
        assert (scorer.log_likelihood_ratios(rows, rows) > 0).all()
    assert load_scorer(fingerprint).scoring == "cohort"


def test_a_space_without_parts_says_which(tmp_path: Path) -> None:
    assert load_scorer("no such space").scoring == "cosine"
    with pytest.raises(ModelError, match="has no calibration"):
        load_scorer("no such space").log_likelihood_ratios(*np.ones((2, 1, 3), np.float32))
    for scoring, part in (("cohort", "cohort"), ("plda", "PLDA")):
        with pytest.raises(ModelError, match=f"no such space has no {part}"):
            load_scorer("no such space", scoring)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="one of cohort, cosine, plda, got 'x'"):
        load_scorer("no such space", "x")  # type: ignore[arg-type]
    assert calibration_name("abc", "plda") == "abc.plda"
