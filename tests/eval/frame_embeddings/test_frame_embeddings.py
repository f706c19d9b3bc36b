from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from pyannote.core import Annotation, Segment, Timeline

from diarspk.encoders import FrameHead, FrameHeadConfig, LocalEncoder
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.frame_head import FRAME_HEADS
from eval.diarization.conversation import Conversation
from eval.frame_embeddings.__main__ import main
from eval.frame_embeddings.comparison import embed_systems, format_figures
from eval.frame_embeddings.labels import FrameLabels, Halves, label_frames, split_halves
from eval.frame_embeddings.scoring import (
    Answers,
    Figures,
    classify,
    draw_pairs,
    join_figures,
    score_pairs,
)

HOP = 0.1


def conversation(turns: list[tuple[float, float, str]], uem: tuple[float, float]) -> Conversation:
    reference = Annotation(uri="meeting")
    for number, (start, end, speaker) in enumerate(turns):
        reference[Segment(start, end), number] = speaker
    return Conversation(Path("meeting.flac"), reference, Timeline([Segment(*uem)]))


@pytest.fixture
def labels() -> FrameLabels:
    """Anna 0-4 s, Ben 3-6 s, silence, Anna 7-8 s; frames every 0.1 s from 0.05 s, scored to 7.5."""
    meeting = conversation([(0, 4, "anna"), (3, 6, "ben"), (7, 8, "anna")], (0.0, 7.5))
    return label_frames(meeting, 80, HOP, 0.05)


def test_frames_are_labelled_by_those_who_talk_near_them(labels: FrameLabels) -> None:
    kind = {name: np.flatnonzero(flags).tolist() for name, flags in labels.kind.items()}
    # Ben's first frame is 30, so Anna's frames 25 to 29 are near to him; his 40 to 44 to her 39.
    assert kind["overlap"] == list(range(30, 40))
    assert kind["change"] == [*range(25, 30), *range(40, 45)]
    assert kind["clean"] == [*range(25), *range(45, 60), *range(70, 75)]
    assert labels.clean_frames(0).tolist() == [*range(25), *range(70, 75)]
    assert labels.active[72].tolist() == [True, False]


def test_a_silent_boundary_is_no_change() -> None:
    meeting = conversation([(0, 2, "anna"), (3, 5, "ben")], (0.0, 5.0))
    labels = label_frames(meeting, 50, HOP, 0.05)
    assert labels.kind["clean"].sum() == 40
    assert not labels.kind["change"].any()


def test_nobody_talks() -> None:
    labels = label_frames(conversation([], (0.0, 1.0)), 10, HOP, 0.05)
    assert not any(flags.any() for flags in labels.kind.values())
    assert split_halves(labels, HOP) == []
    assert len(draw_pairs(labels, "clean", HOP, 10, np.random.default_rng(0)).same) == 0


def test_halves_need_half_a_second_each(labels: FrameLabels) -> None:
    anna, ben = split_halves(labels, HOP)
    assert anna.early.tolist() == list(range(15))
    assert anna.late.tolist() == [*range(15, 25), *range(70, 75)]
    assert (ben.speaker, len(ben.early), len(ben.late)) == (1, 7, 8)
    assert [each.speaker for each in split_halves(labels, HOP * 0.6)] == [0]


def unit(*rows: tuple[float, float]) -> np.ndarray:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_a_frame_is_named_after_the_half_it_is_not_part_of() -> None:
    active = np.zeros((8, 2), bool)
    active[:4, 0] = active[4:, 1] = True
    labels = FrameLabels(active, {"clean": np.ones(8, bool)})
    halves = [
        Halves(0, np.array([0, 1]), np.array([2, 3])),
        Halves(1, np.array([4, 5]), np.array([6, 7])),
    ]
    vectors = unit(*[(1, 0)] * 4, *[(0, 1)] * 4)
    # Speaker 0's early half was pooled wrong, so that its late frames are named wrong.
    centroids = np.stack([unit((-1, 0), (1, 0)), unit((0, 1), (0, 1))])
    right = classify(vectors, labels.kind["clean"], labels, halves, centroids)
    assert right.tolist() == [True, True, False, False, True, True, True, True]


def test_either_speaker_is_right_in_overlap_and_strangers_are_left_out() -> None:
    """The fourth speaker has no centroid; in the fourth frame all who have one talk."""
    active = np.array(
        [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 0]], bool
    )
    labels = FrameLabels(active, {"overlap": np.arange(6) < 5})
    halves = [Halves(s, np.array([10]), np.array([20])) for s in (0, 1, 2)]
    centroids = np.stack([unit(v, v) for v in ((1, 0), (0, 1), (-1, 0))])
    vectors = unit((1, 0), (0, 1), (-1, 0), (1, 0), (1, 0), (0, 1))
    right = classify(vectors, labels.kind["overlap"], labels, halves, centroids)
    assert right.tolist() == [True, True, False]
    alone = classify(vectors, labels.kind["overlap"], labels, halves[:1], centroids[:1])
    assert len(alone) == 0


def test_pairs_are_what_they_say(labels: FrameLabels) -> None:
    for kind in ("clean", "change"):
        pairs = draw_pairs(labels, kind, HOP, 200, np.random.default_rng(0))
        assert 0.2 < pairs.same.mean() <= 0.5  # Ben has no clean frames two seconds apart
        assert labels.kind[kind][pairs.first].all()
        assert labels.kind["clean"][pairs.second].all()
        assert (np.abs(pairs.first - pairs.second) * HOP >= 2.0).all()
        together = (labels.active[pairs.first] & labels.active[pairs.second]).any(1)
        assert together.tolist() == pairs.same.tolist()
    again = draw_pairs(labels, "change", HOP, 200, np.random.default_rng(0))
    assert np.array_equal(again.first, pairs.first)
    # In overlap of the only two speakers every clean frame is of one who talks.
    assert len(draw_pairs(labels, "overlap", HOP, 50, np.random.default_rng(0)).same) == 0


def test_pairs_are_scored_by_cosine(labels: FrameLabels) -> None:
    pairs = draw_pairs(labels, "change", HOP, 60, np.random.default_rng(0))
    vectors = np.where(labels.active[:, :1], unit((1, 0)), unit((0, 1))).astype(np.float32)
    assert score_pairs(vectors, pairs).tolist() == pairs.same.astype(float).tolist()


def test_figures_pool_recordings() -> None:
    nothing = Answers(np.zeros(0, bool), np.zeros(0), np.zeros(0, bool))
    one = Answers(np.array([True, True, False]), np.array([0.9, 0.1]), np.array([True, False]))
    two = Answers(np.array([False]), np.array([0.3, 0.5]), np.array([True, False]))
    assert join_figures([nothing]) == Figures(0, None, 0, None)
    assert join_figures([one, nothing]) == Figures(3, pytest.approx(2 / 3), 2, 0.0)
    # Same at 0.9 and 0.3, different at 0.5 and 0.1: one of two on either side.
    assert join_figures([one, two]) == Figures(4, 0.5, 4, pytest.approx(0.5))


def test_the_table_has_a_row_for_each_system() -> None:
    kinds = {name: Figures(10, 0.5, 4, None) for name in ("clean", "change", "overlap")}
    lines = format_figures({"frame head": kinds, "1 s pooled": kinds}).splitlines()
    assert len(lines) == 4
    assert lines[2].split("|")[2:8] == ["    50.0 ", "     50.0 ", "      50.0 "] + [
        f"{'-'.rjust(len('EER ' + kind + ' %') + 1)} " for kind in kinds
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of two buzzing voices, one after the other and at once."""
    folder = tmp_path_factory.mktemp("set")
    time = np.arange(6 * 16000) / 16000
    generator = np.random.default_rng(0)
    anna, ben = (
        sum(np.sin(2 * np.pi * pitch * k * time) / k**tilt for k in range(1, 20))
        for pitch, tilt in ((120, 0.5), (210, 1.5))
    )
    talks = (time < 3.4) * anna + (time >= 2.6) * ben
    audio = 0.05 * talks + 0.001 * generator.standard_normal(len(time))
    soundfile.write(folder / "meeting.wav", audio.astype(np.float32), 16000)
    (folder / "meeting.rttm").write_text(
        "SPEAKER meeting 1 0.0 3.4 <NA> <NA> anna <NA> <NA>\n"
        "SPEAKER meeting 1 2.6 3.4 <NA> <NA> ben <NA> <NA>\n"
    )
    (folder / "meeting.uem").write_text("meeting 1 0.0 6.0\n")
    return folder


def test_systems_are_pooled_as_the_encoder_pools(folder: Path) -> None:
    encoder = load_encoder()
    recording = encoder.analyse(folder / "meeting.wav")
    frames = encoder.count_frames(recording)
    halves = [Halves(0, np.array([3, 4, 9]), np.array([20, 21]))]
    systems, centroids = embed_systems(encoder, recording, [0.5], halves)
    assert list(systems)[:2] == ["one frame", "0.5 s pooled"]
    alone = LocalEncoder(encoder.network, encoder.fingerprint).embed_each(recording)
    np.testing.assert_allclose(systems["one frame"], alone, atol=1e-4)
    hop, start = encoder.frame_hop, encoder.frame_start
    span = (start + 44 * hop, start + 56 * hop)
    (middle,) = encoder.embed_spans(recording, [span])
    np.testing.assert_allclose(systems["0.5 s pooled"][50], middle, atol=1e-4)
    assert systems["0.5 s pooled"].shape == (frames, encoder.dimension)
    assert centroids.shape == (1, 2, encoder.dimension)


def test_the_command_compares_a_head_with_windows(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    head = FrameHead(FrameHeadConfig(channels=8, layers=1, heads=2))
    card = tmp_path / "head.json"
    FRAME_HEADS.write(card, head, encoder=load_encoder().fingerprint, card={})
    report = tmp_path / "report.json"
    command = ["--data", str(folder), "--head", str(card), "--pairs", "60"]
    assert main([*command, "--windows", "0.5", "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    assert "frame head" in printed and "0.5 s pooled" in printed and "one frame" in printed
    (found,) = json.loads(report.read_text())["results"].values()
    assert found["frame head"]["clean"]["frames"] > 60
    pairs = {system: kinds["clean"]["pairs"] for system, kinds in found.items()}
    assert set(pairs.values()) == {pairs["frame head"]} and pairs["frame head"] > 20
    rates = {
        (kinds["clean"]["equal_error_rate"], kinds["change"]["equal_error_rate"])
        for kinds in found.values()
    }
    assert len(rates) > 1
    assert found["frame head"]["overlap"]["accuracy"] is None  # both who are known talk


def test_a_head_of_another_encoder_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "head.json"
    FRAME_HEADS.write(card, FrameHead(FrameHeadConfig(channels=8)), encoder="other", card={})
    assert main(["--data", str(folder), "--head", str(card)]) == 1
    assert "belongs to the encoder other" in capsys.readouterr().err
