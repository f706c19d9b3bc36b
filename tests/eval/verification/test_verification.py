from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.embeddings import speech
from eval.embeddings.speech import Utterance
from eval.systems import registry as systems
from eval.verification import __main__ as command
from eval.verification.__main__ import main
from eval.verification.all_pairs import format_verifications, run_verification, score_all_pairs

SECOND = 16000


def utterances() -> list[Utterance]:
    """Three speakers told apart by level; ben's second utterance sounds almost like anna."""
    made = [("anna", 0.1, 2.5), ("anna", 0.1, 1.0), ("ben", 0.5, 1.0), ("ben", 0.12, 0.5)]
    made += [("carl", 0.9, 6.0)]
    return [
        Utterance(f"{speaker}-{index}", speaker, np.full(int(seconds * SECOND), level, np.float32))
        for index, (speaker, level, seconds) in enumerate(made)
    ]


def embed_level(waveforms: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    angles = np.array([np.pi / 2 * waveform.mean() for waveform in waveforms])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def fake_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(systems.EMBEDDERS, "fake", lambda: embed_level)


def test_pairs_equal_counting() -> None:
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(6, 3)).astype(np.float32)
    speakers = ["b", "a", "b", "c", "a", "b"]
    scores, labels = score_all_pairs(embeddings, speakers)
    for index, (first, second) in enumerate(combinations(range(6), 2)):
        one, other = embeddings[first], embeddings[second]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert scores[index] == pytest.approx(cosine, abs=1e-6)
        assert labels[index] == (speakers[first] == speakers[second])


def test_trials_by_hand() -> None:
    results = {one.crop: one for one in run_verification(utterances(), ["fake"], [1.0])}
    # 1 s: anna 2 + 1 crops, ben 1 + 0, carl 4 (of 6): 3 + 6 target pairs of 28
    assert (results["1 s"].crops, results["1 s"].targets, results["1 s"].trials) == (8, 9, 28)
    assert results["1 s"].equal_error_rate == 0.0
    # whole: anna 1 and ben 1 of 10 pairs; ben's own pair scores below two false ones
    assert (results["whole"].targets, results["whole"].trials) == (2, 10)
    assert results["whole"].equal_error_rate == pytest.approx(0.25)


def test_pairs_of_one_utterance_are_left_out() -> None:
    results = run_verification(utterances(), ["fake"], [1.0], across_utterances=True)
    short, whole = list(results)
    # anna's first has 2 crops, carl's only one 4: 1 and 6 pairs of 28 less, and 7 of 9 targets
    assert (short.crops, short.targets, short.trials) == (8, 2, 21)
    assert (whole.targets, whole.trials) == (2, 10)  # no utterance is paired with itself


def test_every_system_has_the_same_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(systems.EMBEDDERS, "other", lambda: lambda waves: -embed_level(waves))
    results = list(run_verification(utterances(), ["fake", "other"], [1.0]))
    assert [one.trials for one in results[:2]] == [one.trials for one in results[2:]]
    assert results[0].equal_error_rate == results[2].equal_error_rate  # cosine ignores the sign


def test_a_prefix_is_the_beginning_of_the_embedding() -> None:
    waveforms = [np.random.default_rng(seed).normal(0, 0.1, SECOND).astype("f") for seed in (0, 1)]
    whole, short = (systems.load_embedder(name)(waveforms) for name in ("diarspk", "diarspk:20"))
    assert short.shape == (2, 20)
    assert np.linalg.norm(short, axis=1) == pytest.approx(1.0)
    assert whole[0, :20] @ whole[1, :20] == pytest.approx(
        short[0] @ short[1] * np.linalg.norm(whole[:, :20], axis=1).prod(), abs=1e-6
    )
    with pytest.raises(ArgumentError, match=r"64, 20 behind diarspk: .*'30'"):
        systems.load_embedder("diarspk:30")


def test_table_has_a_row_per_system() -> None:
    rates, costs = format_verifications(
        list(run_verification(utterances(), ["fake"], [1.0]))
    ).split("\n\n")
    assert rates.splitlines()[0].split() == ["|", "EER", "%", "|", "1", "s", "|", "whole", "|"]
    assert rates.splitlines()[2].split()[1:] == ["fake", "|", "0.00", "|", "25.00", "|"]
    assert costs.splitlines()[2].split()[3] == "0.000"


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speech, "read_utterances", lambda folder, split: utterances())
    target = tmp_path / "report.json"
    assert main(["--data", "any", "--systems", "fake", "--crops", "1", "--json", str(target)]) == 0
    assert "EER %" in capsys.readouterr().out
    results = json.loads(target.read_text())["results"]
    assert {one["crop"] for one in results} == {"1 s", "whole"}


def test_command_on_equal_spectra_across_utterances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    monkeypatch.setattr(speech, "read_utterances", lambda folder, split: utterances())
    monkeypatch.setattr(
        command, "equalize_spectra", lambda given: seen.extend(given) or list(given)
    )
    target = tmp_path / "report.json"
    options = ["--systems", "fake", "--crops", "1", "--equal-spectra", "--across-utterances"]
    assert main(["--data", "any", *options, "--json", str(target)]) == 0
    assert len(seen) == len(utterances())
    report = json.loads(target.read_text())
    assert report["results"][0]["trials"] == 21
    assert "one utterance are left out. All utterances have one" in report["convention"]
    assert report["convention"] in capsys.readouterr().out


def test_unknown_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speech, "read_utterances", lambda folder, split: utterances())
    assert main(["--data", "any", "--systems", "nobody"]) == 1
    assert "`systems` must be among" in capsys.readouterr().err
