"""Trials by hand, by the rules on random sessions, and scores against direct counting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError, FormatError
from diarspk.formats import save_annotation
from diarspk.verification.metrics import equal_error_rate
from eval.intra_session import LIST_NAMES, Crop, Trial, TrialRules, build_lists, read_trials
from eval.intra_session.__main__ import main
from eval.intra_session.embedding import read_embeddings, write_embeddings
from eval.intra_session.lists import describe, write_trials
from eval.intra_session.runs import find_runs, read_activity
from eval.intra_session.scoring import RankedTrials, score_cosines, score_list
from eval.systems import registry as systems
from tests.paths import SHARED

ANNOTATIONS = SHARED / "conversations" / "annotations"


def annotated(*turns: tuple[float, float, str], uri: str = "talk") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def session(seed: int, speakers: int = 4, turns: int = 60) -> Annotation:
    """Turns that touch, overlap, or leave pauses."""
    rng = np.random.default_rng(seed)
    made, time = [], 0.0
    for _ in range(turns):
        time = max(time + rng.choice([-0.8, 0.0, 0.5]), 0.0)
        length = rng.uniform(0.3, 6)
        made.append((round(time, 2), round(time + length, 2), f"s{rng.integers(speakers)}"))
        time += length
    return annotated(*made).support()


def talking(reference: Annotation, crop: Crop) -> NDArray[np.bool_]:
    """Who talks in each unit of a crop, from the turns themselves: ``(units, speakers)``."""
    middles = (np.arange(crop.start, crop.end) + 0.5) / 100
    columns = [
        np.any([(a <= middles) & (middles < b) for a, b in reference.label_timeline(name)], axis=0)
        for name in sorted(reference.labels())
    ]
    return np.stack(columns, axis=1)


def test_runs_by_hand() -> None:
    reference = annotated((0, 2, "a"), (1.5, 3, "b"), (3, 4, "a"), (5, 6, "a"))
    runs = find_runs(read_activity(reference))
    assert [(run.start, run.end, run.speakers) for run in runs] == [
        *[(0, 150, (0,)), (150, 200, (0, 1)), (200, 300, (1,)), (300, 400, (0,))],
        *[(400, 500, ()), (500, 600, (0,))],
    ]
    inside = find_runs(read_activity(reference, Timeline([Segment(1, 2.5), Segment(5.5, 9)])))
    assert [(run.start, run.end) for run in inside] == [
        *[(100, 150), (150, 200), (200, 250), (550, 600)]
    ]


def test_lists_by_hand() -> None:
    # a 0-10, b 8-14 (2 s of overlap), c 14-20 right after b, then a alone.
    reference = annotated((0, 10, "a"), (8, 14, "b"), (14, 20, "c"), (22, 30, "a"))
    lists = build_lists({"talk": reference}, rules=TrialRules(ties="either"))
    assert set(lists) == set(LIST_NAMES)
    # Four clean runs: a, b, c, a; one of their six pairs is of one speaker.
    assert (len(lists["clean"]), sum(trial.target for trial in lists["clean"])) == (6, 1)
    # One change, b to c: the main speaker's crop is a target, both of a's are not.
    assert sorted(trial.target for trial in lists["speaker_change"]) in (
        [[False, False, True], [False, False, True, True]]
    )
    overlapped = lists["overlap_1_49"] + lists["overlap_50_100"]
    assert describe(overlapped).anchors == 1
    assert lists["combined"] == [trial for name in LIST_NAMES[:-1] for trial in lists[name]]


@pytest.mark.parametrize("seed", range(3))
def test_every_trial_keeps_the_rules(seed: int) -> None:
    reference = session(seed)
    lists = build_lists({"talk": reference}, rules=TrialRules(seed=seed))
    shares = {"overlap_1_49": (0.01, 0.5), "overlap_50_100": (0.5067, 1.0)}
    for name in LIST_NAMES[1:4]:
        assert lists[name]
        for trial in lists[name][::7]:
            test, enrolment = talking(reference, trial.test), talking(reference, trial.enrolment)
            assert len(test) == len(enrolment) == 150
            assert test.any(1).all() and enrolment.any(1).all()  # no silence
            assert test.any(0).sum() == 2 and enrolment.any(0).sum() == 1
            share = (test.sum(1) > 1).mean()
            low, high = shares.get(name, (0.0, 0.0))
            assert low - 1e-4 <= share <= high
            main, speaker = test.sum(0).argmax(), enrolment.any(0).argmax()
            assert trial.target == (main == speaker)
            assert trial.target or not test[:, speaker].any()  # second speakers are left out


def test_second_speakers_and_ties() -> None:
    two = annotated((0, 5, "a"), (3, 8, "b"), (9, 12, "a"))
    plain = build_lists({"talk": two})
    both = build_lists({"talk": two}, rules=TrialRules(with_secondary=True))
    overlapped = [
        trial
        for name in ("overlap_1_49", "overlap_50_100")
        for trial in both[name]
        if trial not in plain[name]
    ]
    assert all(trial.target for name in LIST_NAMES[1:3] for trial in plain[name])
    assert not any(trial.target for trial in overlapped)
    same = annotated((0, 3, "a"), (0, 3, "b"), (4, 8, "a"), (9, 14, "b"), (15, 18, "c"))
    assert not build_lists({"talk": same})["overlap_50_100"]
    either = build_lists({"talk": same}, rules=TrialRules(ties="either"))["overlap_50_100"]
    assert [trial.target for trial in either] == [True, True, False]


def test_a_seed_and_other_sessions_do_not_change_a_session() -> None:
    one, other = session(1), session(2)
    alone = build_lists({"one": one})
    assert build_lists({"one": one}) == alone
    assert build_lists({"one": one}, rules=TrialRules(seed=1)) != alone
    together = build_lists({"other": other, "one": one})["clean"]
    assert [trial for trial in together if trial.test.session == "one"] == alone["clean"]
    assert all(trial.test.session == trial.enrolment.session for trial in together)


def test_the_uem_bounds_what_is_drawn() -> None:
    uem = Timeline([Segment(10, 60)])
    lists = build_lists({"talk": session(0)}, {"talk": uem})
    crops = [crop for trial in lists["combined"] for crop in (trial.test, trial.enrolment)]
    assert crops and all(crop.start >= 1000 and crop.end <= 6000 for crop in crops)


def test_a_session_without_speech_has_no_trials() -> None:
    assert not build_lists({"talk": Annotation(uri="talk")})["combined"]
    with pytest.raises(ArgumentError, match="`length`"):
        TrialRules(length=1)


def test_files_round_trip_and_name_faults(tmp_path: Path) -> None:
    trials = build_lists({"a talk.1": session(0)})["combined"]
    trials = [
        Trial(one.target, *(Crop("talk.1", c.start, c.end) for c in (one.test, one.enrolment)))
        for one in trials
    ]
    write_trials(trials, tmp_path / "list.txt")
    assert read_trials(tmp_path / "list.txt") == trials
    line = (tmp_path / "list.txt").read_text().splitlines()[0].split()
    assert line[0] in "01" and line[1].startswith("talk.1.wav:")
    for fault in ("2 a.wav:0:1 b.wav:0:1", "1 a.wav:0:1", "1 a.wav:5:1 b.wav:0:1"):
        (tmp_path / "faulty.txt").write_text(f"1 a.wav:0:150 b.wav:0:150\n{fault}\n")
        with pytest.raises(FormatError, match=r"faulty\.txt:2: "):
            read_trials(tmp_path / "faulty.txt")


def random_trials(
    seed: int, sessions: int = 6
) -> tuple[list[Trial], dict[Crop, NDArray[np.float32]]]:
    rng = np.random.default_rng(seed)
    crops = [Crop(f"t{s}", 10 * n, 10 * n + 150) for s in range(sessions) for n in range(12)]
    embeddings = {crop: rng.normal(size=4).astype(np.float32) for crop in crops}
    trials = []
    for place, one in enumerate(crops):
        for other in crops[place + 1 :]:
            if one.session == other.session:
                close = float(embeddings[one] @ embeddings[other]) + rng.normal()
                trials.append(Trial(close > 1, one, other))
    return trials, embeddings


def test_scores_by_direct_counting() -> None:
    trials, embeddings = random_trials(0)
    found = score_list(trials, embeddings, resamples=200)
    cosines = [
        float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        for a, b in ((embeddings[one.test], embeddings[one.enrolment]) for one in trials)
    ]
    assert score_cosines(trials, embeddings) == pytest.approx(cosines, abs=1e-6)
    labels = [trial.target for trial in trials]
    assert found.pooled_eer.value == pytest.approx(equal_error_rate(cosines, labels))
    per_session = [
        equal_error_rate(
            [c for c, t in zip(cosines, trials, strict=True) if t.test.session == name],
            [t.target for t in trials if t.test.session == name],
        )
        for name in sorted({trial.test.session for trial in trials})
    ]
    assert found.mean_eer.value == pytest.approx(np.mean(per_session))
    assert found.pooled_eer.low < found.pooled_eer.value < found.pooled_eer.high
    assert (found.sessions, found.whole_sessions) == (6, 6)


def test_weighing_sessions_is_repeating_them() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=60).round(1)
    labels, session_of = rng.uniform(size=60) < 0.4, np.repeat([0, 1, 2], 20)
    curve = RankedTrials(scores, labels, session_of).curve(np.array([2, 0, 3]))
    chosen = np.concatenate([np.flatnonzero(session_of == one) for one in (0, 0, 2, 2, 2)])
    assert curve is not None
    assert curve.equal_error_rate == pytest.approx(equal_error_rate(scores[chosen], labels[chosen]))
    assert RankedTrials(scores, session_of == 1, session_of).curve(np.array([0, 2, 0])) is None


def test_scale_does_not_matter_and_missing_is_an_error() -> None:
    trials, embeddings = random_trials(1)
    louder = {crop: 7 * vector for crop, vector in embeddings.items()}
    plain = score_cosines(trials, embeddings)
    assert score_cosines(trials, louder) == pytest.approx(plain, abs=1e-6)
    del louder[trials[0].test]
    with pytest.raises(ArgumentError, match="1 of 72 are missing"):
        score_cosines(trials, louder)


def test_embedding_files(tmp_path: Path) -> None:
    _, embeddings = random_trials(2)
    write_embeddings(embeddings, tmp_path / "mine.npz")
    found = read_embeddings(tmp_path / "mine.npz")
    assert list(found) == list(embeddings)
    assert all((found[crop] == embeddings[crop]).all() for crop in found)
    (tmp_path / "other.npz").write_bytes(b"nothing")
    for name in ("other.npz", "none.npz"):
        with pytest.raises(FormatError, match=name):
            read_embeddings(tmp_path / name)


def embed_loudness(waveforms: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    angles = [np.pi * np.abs(waveform).mean() for waveform in waveforms]
    return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)


def test_one_command_for_an_unseen_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(systems.EMBEDDERS, "fake", lambda: embed_loudness)
    levels = {"s0": 0.1, "s1": 0.3, "s2": 0.6}
    for seed in (0, 1):
        reference = session(seed, speakers=3)
        reference.uri = f"talk{seed}"
        save_annotation(reference, tmp_path / f"talk{seed}.rttm")
        waveform = np.zeros(16000 * 300, np.float32)
        for segment, _, name in reference.itertracks(yield_label=True):
            waveform[int(segment.start * 16000) : int(segment.end * 16000)] += levels[name]
        soundfile.write(tmp_path / f"talk{seed}.wav", waveform, 16000)
    common = ["--audio", str(tmp_path), "--systems", "fake", "--resamples", "20"]
    target = tmp_path / "out"
    assert main(["report", "--rttm", str(tmp_path), "--output", str(target), *common]) == 0
    document = json.loads((target / "report.json").read_text())
    assert document["results"]["fake"]["clean"]["pooled_eer"]["value"] == 0.0
    assert document["lists"]["combined"]["sessions"] == 2
    assert "| combined" in (target / "report.md").read_text()
    capsys.readouterr()
    keep = ["--keep", str(tmp_path / "vectors")]
    assert main(["score", "--lists", str(target), *common, *keep]) == 0
    table = capsys.readouterr().out
    stored = ["--embeddings", str(tmp_path / "vectors" / "fake.npz"), "--resamples", "20"]
    assert main(["score", "--lists", str(target), *stored]) == 0
    assert capsys.readouterr().out == table
    assert main(["score", "--lists", str(tmp_path), *common]) == 1
    assert "holds no list" in capsys.readouterr().err


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="the shared annotations are not here")
def test_voxconverse_has_the_statistics_of_the_published_lists() -> None:
    from diarspk.formats import read_rttm

    paths = sorted(ANNOTATIONS.glob("voxconverse/dev/*.rttm"))
    references = {name: one for path in paths for name, one in read_rttm(path).items()}
    lists = build_lists(references, rules=TrialRules(ties="either"))
    # Published for VoxConverse test: 21,236 trials, 36 % targets, 735 anchors in 123 sessions;
    # 13,387 trials, 35 % targets, 610 anchors. Dev has other recordings, so: of that order.
    low, high = (describe(lists[name]) for name in ("overlap_1_49", "overlap_50_100"))
    assert low.anchors == pytest.approx(735, rel=0.15)
    assert high.anchors == pytest.approx(610, rel=0.15)
    assert low.sessions == pytest.approx(123, rel=0.1)
    assert low.trials / low.anchors == pytest.approx(21236 / 735, rel=0.2)
    assert low.most == pytest.approx(135, rel=0.2)
    assert 0.3 < low.targets / low.trials < 0.5


def test_short_overlap_has_no_segment() -> None:
    reference = annotated((0, 5, "a"), (4.5, 9, "b"), (10, 12, "c"))
    for shortest, count in ((0, 1), (50, 1), (51, 0)):
        lists = build_lists({"talk": reference}, rules=TrialRules(shortest_overlap=shortest))
        assert describe(lists["overlap_1_49"]).anchors == count
