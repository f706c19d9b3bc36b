"""Each tool's rules on cases worked by hand, and against the tools where they are installed."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from diarspk.metrics import CONVENTIONS, score
from diarspk.metrics.frame_jaccard import frame_jaccard_errors
from eval.diarization.convention_check import check, perturb
from eval.diarization.scoring_tools import find_tools
from tests.paths import SHARED

ANNOTATIONS = SHARED / "conversations" / "annotations"
BY_MD_EVAL = ["md-eval", "dscore", "spyder"]


def annotated(*turns: tuple[float, float, str], uri: str = "meeting") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def conversation(seed: int, speakers: int = 3, turns: int = 15) -> Annotation:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 56, turns).round(2)
    return annotated(
        *(
            (start, start + round(rng.uniform(0.2, 4), 2), f"r{turn % speakers}")
            for turn, start in enumerate(starts)
        )
    ).support()


@pytest.mark.parametrize(
    ("convention", "side"), [("pyannote", 0.25), *((n, 0.5) for n in (*BY_MD_EVAL, "diarspk"))]
)
def test_what_a_collar_of_half_a_second_takes_away(convention: str, side: float) -> None:
    reference = annotated((0, 10, "a"))
    scored = score(reference, reference, collar=0.5, convention=convention)
    assert scored.pooled.total == pytest.approx(10 - 2 * side)
    assert f"{side:g} s on each side" in scored.convention


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_only_md_eval_leaves_out_what_lies_before_and_after_the_reference(convention: str) -> None:
    reference, hypothesis = annotated((5, 10, "a")), annotated((3, 12, "x"))
    added = score(reference, hypothesis, convention=convention).pooled.false_alarm
    assert added == pytest.approx(0 if convention == "md-eval" else 4)


@pytest.mark.parametrize(("convention", "total"), [("md-eval", 6), ("dscore", 5), ("spyder", 6)])
def test_only_dscore_has_a_collar_where_the_uem_cuts_a_turn(convention: str, total: float) -> None:
    reference = annotated((0, 10, "a"))
    uem = Timeline([Segment(2, 8)])
    scored = score(reference, reference, uem, collar=0.5, convention=convention)
    assert scored.pooled.total == pytest.approx(total)


@pytest.mark.parametrize(
    ("convention", "touching", "overlapping"),
    [("md-eval", 8, 7), ("dscore", 8, 9), ("spyder", 9, 9)],
)
def test_turns_of_one_speaker_that_meet(
    convention: str, touching: float, overlapping: float
) -> None:
    # 10 s of one speaker less half a second at each end that counts as one.
    met = annotated((0, 4, "a"), (4, 10, "a"))
    crossed = annotated((0, 6, "a"), (4, 10, "a"))
    for reference, total in ((met, touching), (crossed, overlapping)):
        scored = score(reference, met, collar=0.5, convention=convention)
        assert scored.pooled.total == pytest.approx(total)
        assert scored.der == pytest.approx(0)  # speech that repeats counts once


def test_speakers_are_matched_before_collars_are_laid_except_in_pyannote() -> None:
    # Whole: a is 1 for 5.2 s and 2 for 4.8 s. Less the collars a is 1 for 3.2 s and 2 for 4.8 s.
    reference = annotated((0, 2.6, "a"), (5, 7.6, "a"), (9, 15, "a"))
    hypothesis = annotated((0, 2.6, "1"), (5, 7.6, "1"), (9.6, 14.4, "2"))
    for convention in BY_MD_EVAL:
        found = score(reference, hypothesis, collar=0.5, convention=convention).pooled
        assert (found.total, found.confusion) == pytest.approx((8.2, 4.8))
    found = score(reference, hypothesis, collar=1.0, convention="pyannote").pooled
    assert (found.total, found.confusion) == pytest.approx((8.2, 3.2))


@pytest.mark.parametrize("convention", BY_MD_EVAL)
def test_empty_sides(convention: str) -> None:
    empty, speech = annotated(), annotated((3, 5, "a"))
    uem = Timeline([Segment(0, 10)])
    nothing = score(empty, empty, uem, convention=convention)
    assert (nothing.der, nothing.jer) == (0.0, 0.0)
    added = score(empty, speech, uem, convention=convention)
    assert (added.der, added.jer, added.pooled.false_alarm) == (1.0, 1.0, pytest.approx(2.0))
    missed = score(speech, empty, uem, convention=convention)
    assert (missed.der, missed.jer) == (1.0, 1.0)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_without_collar_and_with_a_uem_all_agree(convention: str) -> None:
    rng = np.random.default_rng(0)
    uem = Timeline([Segment(2, 20), Segment(24, 55)])
    for seed in range(3):
        reference = conversation(seed)
        hypothesis = perturb(reference, rng)
        plain = score(reference, hypothesis, uem)
        other = score(reference, hypothesis, uem, convention=convention)
        assert other.der == pytest.approx(plain.der, abs=1e-6)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_names_and_order_do_not_matter(convention: str) -> None:
    reference = conversation(7)
    hypothesis = perturb(reference, np.random.default_rng(1))
    renamed = hypothesis.rename_labels(generator="string")
    first = score(reference, hypothesis, collar=0.2, convention=convention)
    second = score(reference, renamed, collar=0.2, convention=convention)
    assert second.pooled.as_dict() == pytest.approx(first.pooled.as_dict())


def test_frame_jaccard_by_trying_every_mapping() -> None:
    uem = Timeline([Segment(0, 60)])
    for seed in range(4):
        reference = conversation(seed)
        sides = reference, perturb(reference, np.random.default_rng(seed))
        reference, hypothesis = (later(side, 0.0003) for side in sides)  # no edge on the grid
        found = frame_jaccard_errors(reference, hypothesis, uem).sum()
        spoken, claimed = frames_by_speaker(reference), frames_by_speaker(hypothesis)
        claimed += [set()] * len(spoken)
        expected = min(
            sum(
                1 - len(one & other) / len(one | other)
                for one, other in zip(spoken, chosen, strict=True)
            )
            for chosen in permutations(claimed, len(spoken))
        )
        assert found == pytest.approx(expected)


def later(annotation: Annotation, seconds: float) -> Annotation:
    return annotated(
        *((a + seconds, b + seconds, label) for (a, b), _, label in annotation.itertracks(True))
    )


def frames_by_speaker(annotation: Annotation) -> list[set[int]]:
    """Numbers of the frames of 10 ms that start within a turn."""
    return [
        {
            frame
            for start, end in annotation.label_timeline(label)
            for frame in range(math.ceil(start * 100), math.ceil(end * 100))
            if frame < 6000
        }
        for label in annotation.labels()
    ]


def test_jaccard_on_frames_knows_no_collar() -> None:
    reference = annotated((0, 4, "a"), (4, 8, "b"))
    hypothesis = annotated((0, 3, "x"), (3, 8, "y"))
    for collar in (0.0, 0.5):
        jer = score(reference, hypothesis, collar=collar, convention="dscore").jer
        assert jer == pytest.approx((1 / 4 + 1 / 5) / 2)
    assert score(reference, hypothesis, collar=2.0, convention="pyannote").jer == 0.0


def test_an_unknown_convention_is_named() -> None:
    speech = annotated((0, 1, "a"))
    with pytest.raises(ArgumentError, match=r"`convention` must be one of .*, got 'nist'"):
        score(speech, speech, convention="nist")


def test_equals_spyder() -> None:
    pytest.importorskip("spyder", reason="spy-der is not installed")
    tools = {"spyder": find_tools()["spyder"]}
    (agreement,) = check([conversation(seed) for seed in range(3)], tools)
    assert agreement.comparisons == 36
    assert agreement.largest_difference < 1e-4


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="the shared annotations are not here")
def test_equals_spyder_on_real_turn_taking() -> None:
    pytest.importorskip("spyder", reason="spy-der is not installed")
    paths = sorted(ANNOTATIONS.glob("voxconverse/dev/*.rttm"))[:60:20]
    references = [one for path in paths for one in read_rttm(path).values()]
    (agreement,) = check(references, {"spyder": find_tools()["spyder"]})
    assert agreement.largest_difference < 0.01


def test_the_check_tells_a_tool_that_differs() -> None:
    (agreement,) = check([conversation(0)], {"md-eval": lambda *_: 2.0})
    assert agreement.largest_difference > 50
