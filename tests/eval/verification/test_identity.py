"""The protocols of identity, on toy embeddings whose figures are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from diarspk.clustering.plda import Plda, write_plda
from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.alignment import LinearAlignment
from diarspk.verification.gallery import Candidate, Identification
from eval.embeddings import embedding_cache as embedded
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_split
from eval.embeddings.speech import Utterance
from eval.verification import alignment, identification, trial_data, trials
from eval.verification.alignment import compare_methods
from eval.verification.alignment_claims import check_claims, format_claims
from eval.verification.alignment_curves import (
    average_curve,
    curve_by_size,
    curve_by_speakers,
    format_curves,
)
from eval.verification.cross_encoder_verification import (
    AsymmetricResult,
    gain_retained,
    make_trials,
    measure_latency,
    score_alignment,
)
from eval.verification.encoder_pair import Pair
from eval.verification.gallery import measure_gallery, synthetic_voices
from eval.verification.identification import Probe, identify_split, open_set_rates
from eval.verification.scorings import compare_scorings, pair_groups

TURN = np.linalg.qr(np.random.default_rng(5).normal(size=(12, 12)))[0]


def split(
    space: str, *, people: int = 24, each: int = 5, noise: float = 0.25, seed: int = 0
) -> EmbeddedSplit:
    """Speakers around their own directions; the space `new` is turned and less noisy."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(people, 12)), each, axis=0)
    rows = centres + (noise if space == "new" else 2.5 * noise) * random.normal(size=centres.shape)
    rows = rows @ TURN if space == "new" else rows
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return EmbeddedSplit(
        Space(space, 12, space),
        rows.astype(np.float32),
        tuple(f"u{number}" for number in range(len(rows))),
        tuple(f"s{number // each:02d}" for number in range(len(rows))),
        np.linspace(1, 5, len(rows)),
    )


def pair() -> Pair:
    return Pair((split("old", seed=1), split("new", seed=1)), (split("old"), split("new")))


def test_profiles_and_tests_share_no_utterance() -> None:
    made = make_trials(("a", "b", "a", "a", "b", "c"), 1)
    assert [rows.tolist() for rows in made.profiles] == [[0], [1]]
    assert made.tests.tolist() == [2, 3, 4, 5]
    assert made.labels.tolist() == [[True, True, False, False], [False, False, True, False]]
    with pytest.raises(ArgumentError, match="got 1"):
        make_trials(("a", "a", "b"), 1)


def test_alignment_wins_back_what_different_spaces_lose() -> None:
    data = pair()
    made = make_trials(data.dev[0].speakers, 2)
    methods = ("logits", "procrustes-m2", "m3")
    rows = {row.result.method: row for row in compare_methods(data, made, methods)}
    old, new = rows["old encoder on both sides"].result, rows["new encoder on both sides"].result
    assert new.equal_error_rate < old.equal_error_rate < 0.3
    assert rows["unaligned"].result.equal_error_rate > 0.35
    for method in ("procrustes-m2", "m3"):
        assert rows[method].result.equal_error_rate < 0.3
        assert (rows[method].latency_us or 0) > 0
    assert len(new.miss_rates) == 3
    assert list(new.miss_rates) == sorted(new.miss_rates)


def test_gain_retained() -> None:
    assert gain_retained(0.10, 0.07, 0.05) == pytest.approx(0.6)
    assert gain_retained(0.05, 0.07, 0.10) is None


def test_more_pairs_and_more_speakers_help() -> None:
    data = pair()
    made = make_trials(data.dev[0].speakers, 2)
    by_size = dict(curve_by_size(data, made, "least-squares-m2", [6, 100, 10_000]))
    assert list(by_size) == [6, 100]
    assert by_size[100].equal_error_rate < by_size[6].equal_error_rate
    by_speakers = dict(curve_by_speakers(data, made, "least-squares-m2", [2, 5, 20, 200], 20))
    assert list(by_speakers) == [5, 20]  # two have ten utterances, and there are only 24
    assert by_speakers[20].equal_error_rate < by_speakers[5].equal_error_rate


def result(method: str, error: float, missed: float) -> AsymmetricResult:
    return AsymmetricResult(method, error, (missed, 0.5, 0.9))


def test_a_curve_is_the_mean_of_its_draws() -> None:
    draws = [
        [(10, result("m3", 0.08, 0.2)), (20, result("m3", 0.06, 0.1))],
        [(10, result("m3", 0.06, 0.4)), (20, result("m3", 0.05, 0.1))],
    ]
    first, second = average_curve(draws, 0.10, 0.05)
    assert (first.count, first.equal_error_rate, first.miss_rate) == pytest.approx((10, 0.07, 0.3))
    assert (first.gain, second.gain) == pytest.approx((0.6, 0.9))
    assert average_curve(draws, 0.05, 0.10)[0].gain is None
    assert "|    10 |      7.00 |         60 |" in format_curves("pairs", [[first, second]])


def test_claims_of_a_pair_by_hand() -> None:
    old, new = result("old", 0.10, 0.08), result("new", 0.05, 0.02)
    methods = [
        result("logits", 0.12, 0.10),
        result("m1", 0.09, 0.06),
        result("m2", 0.07, 0.05),
        result("m3", 0.065, 0.04),
    ]
    logits, one_sided, kept, direction = check_claims(old, new, methods)
    assert (logits.holds, "60.00 % less" in logits.found) == (True, True)  # 0.04 of 0.10
    assert (one_sided.holds, "50.00 % less" in one_sided.found) == (True, True)  # 0.04 of 0.08
    assert (kept.holds, "70.00 % kept" in kept.found) == (True, True)  # 0.035 of 0.05
    assert direction.holds and "m1 9.00 %, of m2 7.00 %" in direction.found
    text = format_claims(list(check_claims(new, old, methods)))
    assert text.count("does not hold here") == 2  # 0.04 is more than 0.02, and m2 is to the worse
    assert "no gain to keep" in text and "cannot be told here" in text
    assert list(check_claims(old, new, methods[:1])) == []


def test_latency_is_of_one_vector() -> None:
    data = pair()
    made = LinearAlignment(data.train[0].space, data.train[1].space)
    made.fit(data.train[0].vectors, data.train[1].vectors)
    assert 0 < measure_latency(made, repeats=5) < 1e6
    trials_made = make_trials(data.dev[0].speakers, 2)
    vectors = (data.dev[0].vectors, data.dev[1].vectors)
    assert score_alignment("x", made, *vectors, trials_made).method == "x"


def fake_embed(
    folder: Path, name: str, system: str, *, cache: Path | None = None, limit: int | None = None
) -> EmbeddedSplit:
    return split(system, seed=1 if name == "train" else 0)


def test_the_alignment_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alignment, "embed_split", fake_embed)
    options = ["--data", "x", "--enrolment", "old", "--runtime", "new"]
    options += ["--methods", "procrustes-m1", "--curve", "procrustes-m1", "--sizes", "50"]
    options += ["--speakers", "20", "--pairs", "40", "--json", str(tmp_path / "a.json")]
    with pytest.raises(SystemExit):
        alignment.main([*options, "--draws", "0"])
    assert "`draws` must be 1 or more" in capsys.readouterr().err
    assert alignment.main(options) == 0
    printed = capsys.readouterr().out
    assert "gain retained %" in printed
    assert "speakers of 40 pairs" in printed and "procrustes-m1: gain %" in printed
    assert "claims" not in printed  # on networks, of which none was fitted
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["results"][-1]["result"]["method"] == "procrustes-m1"


def probe(truth: str | None, name: str, probability: float) -> Probe:
    return Probe(truth, Identification(None, 0.0, (Candidate(name, 0.5, probability),)))


def test_open_set_rates_by_hand() -> None:
    probes = [
        probe("a", "a", 0.9),
        probe("a", "b", 0.9),
        probe("b", "b", 0.4),
        probe("b", "b", 0.6),
        probe(None, "a", 0.7),
        probe(None, "a", 0.1),
    ]
    rates = open_set_rates(probes, 0.5)
    assert (rates.known, rates.unknown) == (4, 2)
    assert (rates.detected, rates.identified, rates.false_alarms) == (0.75, 0.5, 0.5)


def test_half_of_the_speakers_are_found_and_the_others_are_not() -> None:
    probes = identify_split(split("new"), 2)
    rates = open_set_rates(probes, 0.5)
    assert (rates.known, rates.unknown) == (24 * 3, 24 * 5)
    assert rates.identified > 0.9
    assert rates.false_alarms < 0.1


def test_the_identification_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(identification, "embed_split", fake_embed)
    assert identification.main(["--data", "x", "--systems", "new"]) == 0
    assert "| new    |       0.5 |    72 |" in capsys.readouterr().out


def test_scorings_of_the_same_trials() -> None:
    dev = split("new")
    first, second = np.triu_indices(len(dev.names), k=1)
    scored = compare_scorings(dev, (first, second), split("new", seed=3).vectors[::5], top=10)
    assert list(scored.scores) == ["cosine", "cosine, quality", "AS-norm", "AS-norm, quality"]
    np.testing.assert_allclose(
        scored.scores["cosine"][:3], [dev.vectors[0] @ dev.vectors[i] for i in (1, 2, 3)], atol=1e-6
    )
    assert scored.labels.sum() == 24 * 10
    assert set(scored.quality["AS-norm, quality"]) == {
        "log_shorter_s",
        "log_longer_s",
        "cohort_mean",
    }
    metadata = {"u0": "f", "u1": "f", "u2": "m"}
    assert pair_groups(scored, dev, metadata)[:3] == ["f", "", ""]


def test_the_trials_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    monkeypatch.setattr(trial_data, "embed_split", fake_embed)
    rows = [f"u{n}\t{'mf'[n % 10 < 5]}" for n in range(120)]
    (tmp_path / "dev.tsv").write_text("\n".join(["utterance\tgender", *rows]) + "\n")
    options = ["--data", str(tmp_path), "--systems", "new", "--cohort", "20", "--groups", "gender"]
    options += ["--det", str(tmp_path / "det.png"), "--histogram", str(tmp_path / "scores.png")]
    assert trials.main([*options, "--json", str(tmp_path / "t.json")]) == 0
    printed = capsys.readouterr().out
    assert "AS-norm, quality" in printed
    assert "GARBE" in printed
    for name in ("det.png", "scores-new.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
    report = json.loads((tmp_path / "t.json").read_text())
    assert {one["group"] for one in report["fairness"][0]["groups"]} == {"m", "f"}
    few = ["utterance\tgender", *(f"u{n}\t{'mf'[n > 0]}" for n in range(120))]
    (tmp_path / "dev.tsv").write_text("\n".join(few) + "\n")
    assert trials.main(options) == 0  # one m, who is in no pair of such
    assert "GARBE - (of fewer than two groups)" in capsys.readouterr().out
    (tmp_path / "list.txt").write_text("u0 u1 target\nu0 nobody nontarget\n")
    assert trials.main([*options, "--trials", str(tmp_path / "list.txt")]) == 1
    assert "'nobody'" in capsys.readouterr().err


def test_a_list_of_recordings_below_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import soundfile

    def embed(waveforms: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([[waveform.std(), 0.2] for waveform in waveforms], np.float32)

    monkeypatch.setattr(embedded, "load_system", lambda name: (embed, Space("fp", 2, name)))
    names = [f"id{person}/{take}.wav" for person in range(4) for take in range(2)]
    random = np.random.default_rng(0)
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        level = 0.02 * 3 ** int(name[2])
        soundfile.write(tmp_path / name, level / 3 * random.uniform(-1, 1, 1600), 16000)
    lines = [f"{int(a[:3] == b[:3])} {a} {b}\n" for a in names for b in names if a < b]
    (tmp_path / "list.txt").write_text("".join(lines))
    options = ["--root", str(tmp_path), "--trials", str(tmp_path / "list.txt")]
    assert trials.main(options) == 0
    assert "| diarspk | cosine          |" in capsys.readouterr().out
    plain = Plda(np.zeros(2), np.zeros(2), np.eye(2), np.ones(2))
    write_plda(tmp_path / "plda.json", plain, {})
    assert trials.main([*options, "--plda", str(tmp_path / "plda.json")]) == 0
    assert "| diarspk | PLDA" in capsys.readouterr().out
    assert trials.main([*options, "--cohort", "5"]) == 1
    assert "folders of two speakers or more whom --trials does not name" in capsys.readouterr().err
    for person in (7, 8, 9):
        (tmp_path / f"id{person}").mkdir()
        level = 0.01 * person * random.uniform(-1, 1, 1600)
        soundfile.write(tmp_path / f"id{person}" / "0.wav", level, 16000)
    assert trials.main([*options, "--cohort", "3"]) == 0
    assert "| diarspk | AS-norm " in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        trials.main(["--root", str(tmp_path)])
    assert trials.main([*options, "--groups", "gender"]) == 1
    assert "--metadata" in capsys.readouterr().err


def test_a_small_gallery_is_measured(tmp_path: Path) -> None:
    cost = measure_gallery(tmp_path / "g", 300, dimension=16, queries=10)
    assert cost.entries == 300
    assert cost.own_recall >= cost.recall
    assert cost.recall >= 0.95
    assert min(cost.scan_ms, cost.search_ms, cost.identify_ms, cost.megabytes) > 0


def test_synthetic_voices_are_nearest_their_own() -> None:
    rows = synthetic_voices(50, 64, np.random.default_rng(0))
    nearest = np.argsort(-(rows @ rows.T), axis=1)[:, 1]
    assert np.mean(nearest // 5 == np.arange(50) // 5) > 0.9


def test_vectors_are_kept_and_belong_to_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def embed(waveforms: Sequence[np.ndarray]) -> np.ndarray:
        calls.append(len(waveforms))
        return np.array([[waveform.mean(), 1.0] for waveform in waveforms], np.float32)

    made = [
        Utterance(f"u{n}", f"s{n % 2}", np.full(16000 * (n + 1), n / 9, "f4")) for n in range(4)
    ]
    monkeypatch.setattr(embedded, "load_system", lambda name: (embed, Space("fp", 2, name)))
    monkeypatch.setattr(embedded, "read_utterances", lambda folder, split: iter(made))
    (tmp_path / "dev.tsv").write_text("a table")
    first = embed_split(tmp_path, "dev", "toy", cache=tmp_path / "cache")
    again = embed_split(tmp_path, "dev", "toy", cache=tmp_path / "cache")
    assert len(calls) == 4
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert (again.names, again.speakers, again.space) == (
        ("u0", "u1", "u2", "u3"),
        ("s0", "s1", "s0", "s1"),
        Space("fp", 2, "toy"),
    )
    assert again.seconds.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(np.linalg.norm(again.vectors, axis=1), 1, atol=1e-6)
    (tmp_path / "dev.tsv").write_text("another table")
    assert len(embed_split(tmp_path, "dev", "toy", cache=tmp_path / "cache", limit=2).names) == 2
    assert len(calls) == 6
