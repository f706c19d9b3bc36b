"""Linear probes on made cues whose answers are known, and what becomes of degraded ones."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from diarspk.errors import ArgumentError, FormatError
from diarspk.features.prosody import ProsodyStatistics
from eval.embeddings.speech import Utterance
from eval.probes import __main__ as command
from eval.probes import vectors
from eval.probes.degradation import CODECS, add_noise, coded, crop, degradations, reverberate
from eval.probes.disentanglement import disentangle, measure_disentanglement
from eval.probes.fitting import balanced_accuracy, explained_variance, shuffle_labels
from eval.probes.labels import TASKS, Record, age_group, draw_records, read_records
from eval.probes.linear import Probed, probe_labels, probe_values
from eval.probes.probing import ProbeData, comparable, probe_system, split_utterances
from eval.probes.robustness import try_cue, try_system
from eval.probes.vectors import encoder_reader, prosody_vector, read_cues

RATE = 16000
SPEAKERS = [f"s{n:02}" for n in range(40) for _ in range(4)]
LABELS = ["ab"[int(name[1:]) % 2] for name in SPEAKERS]
HELD_OUT = np.array([int(name[1:]) >= 20 for name in SPEAKERS])


def noise(size: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(len(SPEAKERS), size))


def probe(vectors: NDArray[np.float64], labels: list[str] = LABELS) -> Probed:
    found = probe_labels("cue", "task", vectors, labels, SPEAKERS, HELD_OUT, resamples=50)
    assert found is not None
    return found


def test_a_cue_that_holds_the_label_is_read_and_a_random_one_is_not() -> None:
    exact = noise(6)
    exact[:, 2] = [5.0 if label == "a" else -5.0 for label in LABELS]
    found = probe(exact)
    assert (found.score.value, found.score.low, found.score.high) == (1.0, 1.0, 1.0)
    assert found.chance == 0.5 and found.informativeness == 1.0
    assert abs(found.shuffled - 0.5) < 0.35 and found.selectivity > 0.15
    assert found.importance.argmax() == 2
    assert (found.fitted, found.tested, found.groups) == (80, 80, 20)
    random = probe(noise(6))
    assert abs(random.score.value - 0.5) < 0.2
    assert random.score.low < 0.5 < random.score.high + 0.1


def test_an_identity_that_is_learned_by_heart_does_not_answer_for_other_speakers() -> None:
    """A code of the speaker holds the gender of those that were fitted on, and of nobody else."""
    codes = np.stack([np.eye(40)[int(name[1:])] for name in SPEAKERS])
    assert probe(codes).score.value == pytest.approx(0.5, abs=0.01)
    utterances = split_utterances(SPEAKERS)
    found = probe_labels(
        "cue", "speaker", codes, SPEAKERS, SPEAKERS, utterances, by_speaker=False, resamples=5
    )
    assert found is not None
    assert found.score.value == 1.0 and found.answers == 40
    assert found.shuffled < 0.2


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 100), st.floats(0.01, 100), st.floats(-50, 50))
def test_the_scale_of_a_cue_says_nothing(seed: int, scale: float, shift: float) -> None:
    rows = noise(4, seed) + (np.array(LABELS) == "a")[:, None]
    moved = probe(scale * rows + shift)
    assert moved.score.value == pytest.approx(probe(rows).score.value, abs=0.02)


def test_what_is_asked_for() -> None:
    rare = list(LABELS)
    rare[0:4] = ["c"] * 4  # one speaker alone
    rare[100:104] = [""] * 4
    found = probe(noise(3), rare)
    assert found.answers == 2 and found.fitted == 76 and found.tested == 76
    alone = probe_labels("cue", "task", noise(3), ["a"] * 160, SPEAKERS, HELD_OUT)
    assert alone is None
    with pytest.raises(ArgumentError, match="keep speakers apart"):
        probe_labels("cue", "task", noise(3), LABELS, SPEAKERS, np.arange(160) % 2)
    with pytest.raises(ArgumentError, match="as many"):
        probe_labels("cue", "task", noise(3), LABELS[1:], SPEAKERS, HELD_OUT)


def test_values() -> None:
    rows = noise(5)
    value = 3 * rows[:, 1] - 100
    value[3] = np.nan
    found = probe_values("cue", "pitch", rows, value, SPEAKERS, HELD_OUT, resamples=20)
    assert found is not None
    assert found.score.value == pytest.approx(1.0, abs=1e-3) and found.fitted == 79
    assert abs(found.shuffled) < 0.3
    nothing = probe_values("cue", "pitch", noise(5, 1), value, SPEAKERS, HELD_OUT, resamples=20)
    assert nothing is not None and nothing.score.value < 0.2
    assert nothing.informativeness < 0.2
    assert probe_values("cue", "pitch", rows, 0 * value, SPEAKERS, HELD_OUT) is None


def test_measures_by_hand() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1])
    assert balanced_accuracy(truth, np.array([0, 0, 0, 1, 1, 0])) == (0.75 + 0.5) / 2
    assert balanced_accuracy(truth, np.zeros(6, int)) == 0.5
    values = np.array([1.0, 2.0, 3.0])
    assert explained_variance(values, values) == 1.0
    assert explained_variance(values, np.full(3, 2.0)) == 0.0
    assert explained_variance(values, np.array([2.0, 2.0, 2.0]) + 1) == -1.5


def test_labels_are_shuffled_among_speakers_where_each_has_one() -> None:
    random = np.random.default_rng(0)
    names = np.array(SPEAKERS)
    truth = np.unique(LABELS, return_inverse=True)[1]
    shuffled = shuffle_labels(truth, names, random)
    assert all(len(set(shuffled[names == name])) == 1 for name in set(SPEAKERS))
    assert sorted(shuffled) == sorted(truth) and not np.array_equal(shuffled, truth)
    identity = np.unique(names, return_inverse=True)[1]
    assert not np.array_equal(np.sort(shuffle_labels(identity, names, random)), range(160))
    assert len(set(shuffle_labels(identity, names, random)[:4])) > 1


def test_disentanglement_by_hand() -> None:
    assert disentangle(np.eye(3)) == pytest.approx((1.0, 1.0))
    assert disentangle(np.ones((3, 2))) == pytest.approx((0.0, 0.0))
    # two components about one factor each, the first factor in both of two components
    found, complete = disentangle(np.array([[1.0, 0], [1.0, 0], [0, 2.0]]))
    assert found == pytest.approx(1.0)
    assert complete == pytest.approx(0.5 * (1 - np.log(2) / np.log(3)) + 0.5)
    with pytest.raises(ArgumentError, match="two factors"):
        disentangle(np.ones((3, 1)))


def test_turning_a_cue_entangles_it_though_it_says_the_same() -> None:
    first = np.array([1.0 if label == "a" else -1.0 for label in LABELS])
    second = np.array([1.0 if int(name[1:]) % 4 < 2 else -1.0 for name in SPEAKERS])
    rows = np.stack([first, second], axis=1) + 0.05 * noise(2)
    turn = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    others = ["x" if value > 0 else "y" for value in second]

    def measure(cue: NDArray[np.float64]) -> float:
        found = measure_disentanglement([probe(cue), probe(cue, others)])
        assert found is not None and found.informativeness == 1.0
        return found.disentanglement

    assert measure(rows) > 0.8
    assert measure(rows @ turn) < 0.1
    assert measure_disentanglement([probe(noise(3))]) is None
    with pytest.raises(ArgumentError, match="one cue"):
        measure_disentanglement([probe(rows), replace(probe(rows), cue="other")])


def test_ages() -> None:
    assert [age_group(one) for one in ("6", "12", "13", "19", "20", "39", "40", "81")] == [
        *("under 13", "under 13", "13-19", "13-19", "20-39", "20-39"),
        *("40 and over", "40 and over"),
    ]
    assert [age_group(one) for one in ("teens", "fourties", "", "x")] == [
        *("13-19", "40 and over", "", "")
    ]


def test_a_table_and_what_is_drawn_of_it(tmp_path: Path) -> None:
    rows = [f"u{n}\ts{n // 3}\t{'mf'[n % 2]}" for n in range(12)]
    (tmp_path / "dev.tsv").write_text("\n".join(["utterance\tspeaker\tgender", *rows]) + "\n")
    records = read_records(tmp_path, "dev")
    assert records[1] == Record("u1", "s0", gender="f")
    drawn = draw_records(records, 2, 2, seed=1)
    assert len(drawn) == 4 and len({one.speaker for one in drawn}) == 2
    assert drawn == draw_records(records, 2, 2, seed=1)
    assert draw_records(records, None, None) == records
    with pytest.raises(FormatError, match="no such file"):
        read_records(tmp_path, "train")
    (tmp_path / "bad.tsv").write_text("name\nx\n")
    with pytest.raises(FormatError, match="speaker, utterance"):
        read_records(tmp_path, "bad")


def test_language_is_asked_of_one_corpus() -> None:
    task = next(task for task in TASKS if task.name == "language")
    records = [Record("u", "s", "common-voice", "fa"), Record("v", "s", "librispeech", "en")]
    assert task.answers(records) == ["fa", ""]


def test_every_question_of_every_cue() -> None:
    genders = dict(zip(SPEAKERS, LABELS, strict=True))
    records = [
        Record(f"u{row}", name, "common-voice", "ab"[row % 2], genders[name], "thirties")
        for row, name in enumerate(SPEAKERS)
    ]
    prosody = noise(8, 3)
    cues = {"one": noise(3) + prosody[:, :1], "other": prosody}
    data = ProbeData(records, HELD_OUT, prosody)
    found = {one.cue: one for one in probe_system("toy", cues, data, resamples=5)}
    tasks = {probe.task for probe in found["one"].probes}
    assert tasks == {"speaker", "gender", "language", "pitch", "energy"}  # one age, one corpus
    scores = {probe.task: probe.score.value for probe in found["other"].probes}
    assert scores["pitch"] == pytest.approx(1, abs=1e-3)
    assert scores["energy"] == pytest.approx(1, abs=1e-3)
    assert 0.3 < found["one"].equal_error_rate < 0.7
    assert json.loads(json.dumps(found["one"].as_dict()))["dimension"] == 3


def test_only_unit_vectors_are_compared_as_they_are() -> None:
    unit = noise(3) / np.linalg.norm(noise(3), axis=1, keepdims=True)
    assert comparable(unit) is unit
    other = 7 + noise(3) * np.array([1.0, 100.0, 0.0])
    other[0, 0] = np.nan
    found = comparable(other)
    assert np.isfinite(found).all() and np.abs(found[:, 2]).max() == 0
    np.testing.assert_allclose(np.linalg.norm(found[1:], axis=1), 1)


def test_robustness_by_hand() -> None:
    """Two speakers, two utterances each; the second test of the first turns to the other."""
    east, north = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    clean = np.stack([east, east, north, north])
    degraded = np.stack([east, north, north, north])
    cosine, error, trials = try_cue(clean, degraded, list("aabb"), resamples=20)
    assert cosine.value == 0.75 and cosine.low <= 0.75 <= cosine.high
    assert trials == 12 and 0 < error < 0.5
    assert try_cue(clean, clean, list("aabb"), resamples=5)[:2][1] == 0.0
    assert try_cue(clean, clean, list("aaaa"), resamples=5)[0].value == 1.0


def tone(frequency: float, seconds: float = 0.8) -> NDArray[np.float32]:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_degradations_are_what_they_say() -> None:
    voice, random = tone(300), np.random.default_rng(0)
    hiss = random.normal(size=len(voice)).astype(np.float32)
    rest = add_noise(voice, hiss, 6.0) - voice
    assert 10 * np.log10(np.mean(voice**2) / np.mean(rest**2)) == pytest.approx(6.0, abs=0.01)
    click = np.zeros(RATE, np.float32)
    click[0] = 1.0
    reverberant = reverberate(click, 0.5, 0.0, random)
    assert len(reverberant) == RATE
    tail = np.sum(reverberant[1:] ** 2)
    assert tail / reverberant[0] ** 2 == pytest.approx(1.0, rel=1e-4)  # 0 dB direct to reverberant
    decay = [np.sum(reverberant[start : start + 800] ** 2) for start in (0, 4000)]
    assert 10 * np.log10(decay[0] / decay[1]) > 20
    assert len(crop(voice, 0.25, random)) == 4000
    np.testing.assert_array_equal(crop(voice, 2.0, random), voice)


@pytest.mark.parametrize("name", CODECS)
def test_codecs_keep_the_length_and_the_tone(name: str) -> None:
    voice = tone(440)
    decoded = coded(voice, name)
    assert decoded.shape == voice.shape and decoded.dtype == np.float32
    assert not np.array_equal(decoded, voice)
    middle = decoded[3000:-3000]
    peak = np.abs(np.fft.rfft(middle, n=RATE)).argmax()
    assert abs(int(peak) - 440) < 10


def test_systems_get_the_same_audio_and_repeat() -> None:
    utterances = [Utterance(f"u{n}", f"s{n % 3}", tone(200 + 50 * n)) for n in range(6)]
    ways = degradations([one.waveform for one in utterances])
    assert len({way.name for way in ways}) == len(ways)
    assert {way.family for way in ways} == {"noise", "room", "codec", "duration"}
    chosen = [way for way in ways if way.family in ("noise", "duration")]

    def read(waveform: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        spectrum = np.abs(np.fft.rfft(waveform, n=4000))[:200]
        return {"spectrum": spectrum / np.linalg.norm(spectrum)}

    first, again = (
        list(try_system("toy", read, utterances, chosen, resamples=5)) for _ in range(2)
    )
    assert first == again
    assert first[0].degradation == "clean" and first[0].cosine.value == pytest.approx(1.0)
    by_name = {one.degradation: one.cosine.value for one in first}
    assert by_name["white noise 20 dB"] > by_name["white noise 0 dB"]


def test_the_vector_of_prosody() -> None:
    found = ProsodyStatistics(128.0, 64.0, 256.0, 2.0, 0.5, -20.0, 3.0, 4.0, 1.0)
    assert prosody_vector(found).tolist() == [7, 6, 8, -20, 4, 2, 3, 0.5]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = prosody_vector(replace(found, pitch_hz=np.nan))
    assert np.isnan(silent[0]) and silent[3] == -20


def test_cues_of_an_encoder() -> None:
    import torch

    from diarspk.encoders import LocalEncoder, SpeakerNetwork, SpeakerNetworkConfig, TrunkConfig

    torch.manual_seed(0)
    trunk = TrunkConfig(front_channels=(4, 8), width=16, dilations=(1, 2))
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk, 32, dimension=8, prefixes=(4,)))
    found = encoder_reader(LocalEncoder(network.eval(), "test"))(tone(200))
    assert {name: len(one) for name, one in found.items()} == {
        "utterance": 8,
        "utterance-4": 4,
        "frame mean": 8,
        "frame sequence": 24,
    }
    cut = found["utterance"][:4] / np.linalg.norm(found["utterance"][:4])
    np.testing.assert_allclose(found["utterance-4"], cut)


def fake_speech(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two splits of speakers who are told by level and, by gender, by its sign."""
    made: dict[str, list[Utterance]] = {}
    for split, speakers in (("train", range(8)), ("dev", range(8, 14))):
        rows, made[split] = [], []
        for number in speakers:
            for take in range(4):
                name = f"u{number}-{take}"
                rows.append(f"{name}\ts{number}\tc\t{'mf'[number % 2]}")
                waveform = np.full(800, (-1.0) ** number * (1 + number), np.float32)
                made[split].append(Utterance(name, f"s{number}", waveform))
        lines = ["utterance\tspeaker\tcorpus\tgender", *rows]
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")

    def load(system: str) -> tuple[vectors.Read, str]:
        def read(waveform: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
            level = float(waveform.mean())
            if system == "controls":
                return {"prosody": np.full(8, level)}
            angle = abs(level)
            return {"utterance": np.array([np.sign(level), np.cos(angle), np.sin(angle)])}

        return read, system

    monkeypatch.setattr(vectors, "load_reader", load)
    monkeypatch.setattr(
        vectors,
        "read_utterances",
        lambda folder, split, names: (one for one in made[split] if one.name in names),
    )


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_speech(tmp_path, monkeypatch)
    target = tmp_path / "probes.json"
    options = ["carried", "--data", str(tmp_path), "--systems", "toy", "controls", "--resamples"]
    options += ["10", "--cache", str(tmp_path / "cache"), "--json", str(target)]
    assert command.main(options) == 0
    printed = capsys.readouterr().out
    assert "| toy      | utterance |" in printed and "shuffled" in printed
    report = json.loads(target.read_text())
    scores = {one["task"]: one["value"] for one in report["carried"][0]["probes"]}
    assert scores["gender"] == 1.0 and scores["speaker"] == 1.0
    assert len(list((tmp_path / "cache").iterdir())) == 4
    monkeypatch.setattr(vectors, "read_utterances", lambda folder, split, names: iter([]))
    assert command.main(options) == 0  # all is stored
    assert json.loads(target.read_text())["carried"] == report["carried"]
    assert command.main(["carried", "--data", str(tmp_path / "none")]) == 1


def test_an_utterance_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_speech(tmp_path, monkeypatch)
    with pytest.raises(FormatError, match="no utterance u99"):
        read_cues(tmp_path, "dev", [Record("u99", "s")], "toy")
