"""Pictures show what they are given, whoever it is, with the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment, Timeline

from diarspk import load_encoder, score
from diarspk.errors import ArgumentError, FormatError, ModelError
from diarspk.plots import (
    TurnEmbeddings,
    embed_turns,
    plot_errors,
    plot_similarity,
    plot_speaker_map,
    plot_timeline,
    save_figure,
)
from diarspk.plots.speaker_map import principal_plane
from tests.tiny_model import tone, write_tiny_model

pytest.importorskip("matplotlib")


def turns(*spans: tuple[float, float, str]) -> Annotation:
    annotation = Annotation(uri="call")
    for track, (start, end, speaker) in enumerate(spans):
        annotation[Segment(start, end), track] = speaker
    return annotation


CALL = turns((0, 4, "Ben"), (3, 8, "Ann"), (9, 10, "Ben"), (5, 5.5, "_$x^2$"))
REFERENCE = turns((0, 3.5, "b"), (3, 8, "a"), (8, 9, "c"))


def texts(figure: Any) -> list[str]:
    (axes, *_) = figure.axes
    return [label.get_text().replace(r"\$", "$") for label in axes.get_yticklabels()]


def bars(figure: Any) -> list[tuple[float, float, float]]:
    """Start, end and opacity of the bars of a timeline."""
    patches = figure.axes[0].patches
    return [
        (bar.get_x(), round(bar.get_x() + bar.get_width(), 6), bar.get_alpha()) for bar in patches
    ]


def test_a_timeline_has_a_bar_for_each_turn_and_a_lane_for_each_speaker() -> None:
    figure = plot_timeline(CALL)
    assert texts(figure) == ["Ben", "Ann", "_$x^2$"]
    assert sorted(bars(figure)) == [(0, 4, 1), (3, 8, 1), (5, 5.5, 1), (9, 10, 1)]


def test_a_turn_is_the_paler_the_less_sure() -> None:
    confidence = {(Segment(0, 4), 0): 0.0, (Segment(3, 8), 1): 0.5}
    opacity = {start: alpha for start, _, alpha in bars(plot_timeline(CALL, confidence=confidence))}
    assert opacity[0] < opacity[3] < opacity[9] == 1


def test_errors_are_those_that_the_score_counts() -> None:
    figure = plot_errors(REFERENCE, CALL)
    assert texts(figure)[:4] == ["b (Ben)", "a (Ann)", "c (not found)", "_$x^2$ (nobody's)"]
    assert texts(figure)[4:] == ["miss", "false alarm", "confusion"]
    parts = score({"call": REFERENCE}, {"call": CALL}).pooled
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith(f"DER {100 * parts.der:.1f} %: miss {100 * parts.miss_rate:.1f}")
    *_, missed, false, confused = figure.axes[0].collections
    lengths = [
        sum(path.get_extents().width for path in one.get_paths())
        for one in (missed, false, confused)
    ]
    assert lengths[0] == pytest.approx(parts.miss)
    assert lengths[1] == pytest.approx(parts.false_alarm)
    assert lengths[2] == pytest.approx(parts.confusion)


def test_time_that_is_not_scored_is_grey() -> None:
    figure = plot_errors(REFERENCE, CALL, Timeline([Segment(0, 2), Segment(4, 12)]))
    assert [(one.get_x(), one.get_width()) for one in figure.axes[0].patches] == [(2, 2)]


def embeddings(count: int = 6) -> TurnEmbeddings:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((count, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    segments = tuple(Segment(number, number + 0.9) for number in range(count))
    return TurnEmbeddings(segments, tuple("_B$" if n % 3 else "A" for n in range(count)), vectors)


def test_a_similarity_matrix_is_sorted_by_speaker() -> None:
    found = embeddings()
    figure = plot_similarity(found)
    matrix = figure.axes[0].images[0].get_array()
    order = [0, 3, 1, 2, 4, 5]
    assert np.allclose(matrix, (found.vectors @ found.vectors.T)[np.ix_(order, order)])
    assert texts(figure) == ["A\n2 turns", "_B$\n4 turns"]


def test_a_map_shows_every_turn_and_names_every_speaker() -> None:
    figure = plot_speaker_map(embeddings())
    (axes,) = figure.axes
    points = [one for one in axes.collections if len(one.get_offsets()) > 1]
    assert sum(len(one.get_offsets()) for one in points) == 6
    named = [text.get_text().strip() for text in axes.get_legend().get_texts()]
    assert named == ["A (2 s)", r"_B\$ (4 s)"]


def test_the_plane_keeps_distances_of_points_that_lie_in_one() -> None:
    generator = np.random.default_rng(1)
    plane = np.linalg.qr(generator.standard_normal((5, 2)))[0]
    inside = generator.standard_normal((7, 2)) @ plane.T
    points, shares = principal_plane(inside.astype(np.float32))
    assert shares.sum() == pytest.approx(1)
    assert np.allclose(
        np.linalg.norm(points[:, None] - points, axis=-1),
        np.linalg.norm(inside[:, None] - inside, axis=-1),
        atol=1e-5,
    )
    assert principal_plane(np.ones((1, 5), np.float32))[0].tolist() == [[0, 0]]


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_same_input_makes_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    makers = {
        "timeline": lambda: plot_timeline(CALL, title="a $b$"),
        "errors": lambda: plot_errors(REFERENCE, CALL),
        "similarity": lambda: plot_similarity(embeddings()),
        "map": lambda: plot_speaker_map(embeddings()),
    }
    for name, make in makers.items():
        for copy in "ab":
            save_figure(make(), tmp_path / f"{name}-{copy}.{suffix}", dpi=40)
        first, second = (tmp_path / f"{name}-{copy}.{suffix}" for copy in "ab")
        assert first.read_bytes() == second.read_bytes()
        if suffix == "svg":
            assert ElementTree.parse(first).getroot().tag.endswith("svg")


def test_nothing_can_be_drawn_too(tmp_path: Path) -> None:
    nothing = TurnEmbeddings((), (), np.zeros((0, 8), np.float32))
    figures = [
        plot_timeline(Annotation()),
        plot_errors(Annotation(), Annotation()),
        plot_similarity(nothing),
        plot_speaker_map(nothing),
        plot_speaker_map(embeddings(1)),
        plot_similarity(embeddings(1)),
    ]
    for number, figure in enumerate(figures):
        save_figure(figure, tmp_path / f"{number}.svg")


def test_what_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match=r"must end in one of \.svg, \.png, \.pdf"):
        save_figure(plot_timeline(CALL), tmp_path / "a.gif")
    with pytest.raises(FormatError, match="cannot be written"):
        save_figure(plot_timeline(CALL), tmp_path / "none" / "a.svg")
    with pytest.raises(ArgumentError, match="equally many, got 1, 0 and 0"):
        TurnEmbeddings((Segment(0, 1),), (), np.zeros((0, 8), np.float32))
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ModelError, match=r"install diarspk\[plot\]"):
        plot_timeline(CALL)


def test_turns_are_embedded_where_nobody_else_talks(tmp_path: Path) -> None:
    encoder = load_encoder(write_tiny_model(tmp_path))
    samples = np.concatenate([tone("ann", 5.0), tone("ben", 5.0)])
    soundfile.write(tmp_path / "call.wav", samples, 16000)
    annotation = turns((0, 5, "Ann"), (4, 6, "Ben"), (5.8, 10.02, "Ann"), (4.2, 4.6, "Cid"))
    found = embed_turns(encoder, tmp_path / "call.wav", annotation)
    assert found.speakers == ("Ann", "Ben", "Ann")
    assert [(one.start, round(one.end, 3)) for one in found.segments] == [(0, 4), (5, 5.8), (6, 10)]
    spans = [(one.start, one.end) for one in found.segments]
    assert np.array_equal(found.vectors, encoder.embed(tmp_path / "call.wav", spans=spans))
