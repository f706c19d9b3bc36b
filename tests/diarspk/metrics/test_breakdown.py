"""Where errors lie: by hand, and by what must add up."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline
from typer.testing import CliRunner

from diarspk.cli import app
from diarspk.errors import ArgumentError
from diarspk.formats import save_annotation
from diarspk.metrics import break_down, draw_timeline, score
from eval.diarization.convention_check import perturb


def annotated(*turns: tuple[float, float, str], uri: str = "meeting") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def conversation(seed: int, speakers: int = 4, turns: int = 20) -> Annotation:
    rng = np.random.default_rng(seed)
    made = []
    for turn in range(turns):
        start = rng.uniform(0, 56)
        made.append((start, start + rng.uniform(0.2, 6), f"r{turn % speakers}"))
    return annotated(*made).support()


# 0-4 a, 3-4 b too, 4-4.4 b alone, 10-18 a; found: a until 3.5, b never, a from 12, x at 20-21.
REFERENCE = annotated((0, 4, "a"), (3, 4.4, "b"), (10, 18, "a"))
HYPOTHESIS = annotated((0, 3.5, "1"), (12, 18, "1"), (20, 21, "2"), (4, 4.4, "2"))


def test_errors_by_overlap() -> None:
    found = break_down(REFERENCE, HYPOTHESIS).overlap
    assert list(found) == ["no speech", "1 speaker", "2 speakers", "3 speakers or more"]
    assert found["no speech"].false_alarm == pytest.approx(1.0)
    assert (found["1 speaker"].total, found["1 speaker"].miss) == pytest.approx((11.4, 2.0))
    assert (found["2 speakers"].total, found["2 speakers"].miss) == pytest.approx((2.0, 1.5))
    assert found["3 speakers or more"].total == 0


def test_errors_by_length_of_turn() -> None:
    found = break_down(REFERENCE, HYPOTHESIS).turn_length
    names = list(found)
    assert (names[0], names[-1]) == ("under 0.5 s", "10 s or more")
    one, four, eight = found["1 to 2 s"], found["2 to 5 s"], found["5 to 10 s"]
    assert (one.total, one.miss) == pytest.approx((1.4, 1.0))
    # 3.5 to 4: both are missed, and nobody is found.
    assert (four.total, four.miss) == pytest.approx((4.0, 0.5))
    assert (eight.total, eight.miss) == pytest.approx((8.0, 2.0))


def test_boundaries_and_counts() -> None:
    found = break_down(REFERENCE, HYPOTHESIS)
    edges = found.boundaries
    # a: 0, 18 right, 4 found at 3.5, 10 not found; b: 4.4 right, 3 not within 0.5 s.
    assert (edges.reference, edges.hypothesis) == (6, 8)
    assert sorted(edges.start_offsets) == pytest.approx([0.0])
    assert sorted(edges.end_offsets) == pytest.approx([-0.5, 0.0, 0.0])
    assert (edges.recall, edges.precision) == pytest.approx((4 / 6, 4 / 8))
    assert found.counts["meeting"].difference == 0
    many = break_down(REFERENCE, annotated((0, 1, "x"), (1, 2, "y"), (2, 3, "z")))
    assert (many.counts["meeting"].difference, many.count_accuracy, many.count_error) == (1, 0, 1)


@pytest.mark.parametrize("options", [{}, {"collar": 0.1}, {"skip_overlap": True}])
@pytest.mark.parametrize("convention", ["diarspk", "md-eval", "dscore", "pyannote", "spyder"])
def test_classes_add_up_to_the_score(convention: str, options: dict[str, float]) -> None:
    sides = {name: conversation(seed) for seed, name in enumerate("abc")}
    rng = np.random.default_rng(0)
    others = {name: perturb(side, rng) for name, side in sides.items()}
    whole = score(sides, others, convention=convention, **options).pooled  # type: ignore[arg-type]
    found = break_down(sides, others, convention=convention, **options)  # type: ignore[arg-type]
    for classes in (found.overlap, found.speakers):
        for part in ("total", "miss", "false_alarm", "confusion"):
            added = sum(getattr(one, part) for one in classes.values())
            assert added == pytest.approx(getattr(whole, part), abs=1e-5)
    for part in ("total", "miss", "confusion"):
        added = sum(getattr(one, part) for one in found.turn_length.values())
        assert added == pytest.approx(getattr(whole, part), abs=1e-5)


def test_an_exact_hypothesis_has_every_boundary() -> None:
    reference = conversation(3)
    edges = break_down(reference, reference.rename_labels(generator="int")).boundaries
    assert (edges.recall, edges.precision, edges.median_distance) == (1.0, 1.0, 0.0)


def test_shifting_a_hypothesis_shifts_its_boundaries() -> None:
    reference = annotated((5, 10, "a"), (12, 20, "b"), (30, 40, "a"))
    later = annotated((5.1, 10.1, "a"), (12.1, 20.1, "b"), (30.1, 40.1, "a"))
    edges = break_down(reference, later).boundaries
    assert (edges.mean_start_offset, edges.mean_end_offset) == pytest.approx((0.1, 0.1))


def test_nothing_to_break_down() -> None:
    empty = annotated()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = break_down(empty, empty)
    assert (found.boundaries.recall, found.boundaries.precision) == (1.0, 1.0)
    assert (found.count_accuracy, found.count_error) == (1.0, 0.0)
    with pytest.raises(ArgumentError, match="`collar`"):
        break_down(empty, empty, collar=-1)


def test_the_picture_has_a_bar_for_every_turn_and_error() -> None:
    uem = Timeline([Segment(0, 19)])
    picture = ElementTree.fromstring(draw_timeline(REFERENCE, HYPOTHESIS, uem, title="a & b"))
    tips = [one.text or "" for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "a 0.00 to 4.00 s" in tips and "1 = a 12.00 to 18.00 s" in tips
    assert [tip for tip in tips if tip.startswith("miss")] == [
        "miss 3.00 to 4.00 s",
        "miss 10.00 to 12.00 s",
    ]
    assert "not scored" in tips
    assert not [tip for tip in tips if tip.startswith("false alarm")]  # it lies after the UEM


def test_an_empty_picture_is_a_picture() -> None:
    assert ElementTree.fromstring(draw_timeline(annotated(), annotated())).tag.endswith("svg")


def test_command(tmp_path: Path) -> None:
    for name, side in (("reference", REFERENCE), ("hypothesis", HYPOTHESIS)):
        save_annotation(side, tmp_path / f"{name}.rttm")
    files = [str(tmp_path / "reference.rttm"), str(tmp_path / "hypothesis.rttm")]
    more = ["--breakdown", "--timeline", str(tmp_path / "out"), "--convention", "md-eval"]
    result = CliRunner().invoke(app, ["score", *files, *more])
    assert result.exit_code == 0
    assert "Rules of md-eval." in result.stdout
    assert "length of turn" in result.stdout and "2 speakers" in result.stdout
    assert (tmp_path / "out" / "meeting.svg").read_text().startswith("<svg")
