"""Scores: against pyannote.metrics called directly, and against md-eval's rules from scratch."""

import json
import warnings
from collections.abc import Iterator
from itertools import chain, pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from diarspk.errors import ArgumentError, FormatError, ScoringWarning
from diarspk.formats import read_rttm, save_annotation
from diarspk.metrics import CONVENTIONS, Components, Scores, score
from tests.paths import SHARED

ANNOTATIONS = SHARED / "conversations" / "annotations"

UEM = Timeline([Segment(2, 20), Segment(24, 55)])
OPTIONS = [
    {"collar": collar, "skip_overlap": skip_overlap}
    for collar in (0.0, 0.1, 0.25)
    for skip_overlap in (False, True)
]


def annotated(*turns: tuple[float, float, str], uri: str | None = "meeting") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def conversation(rng: np.random.Generator, speakers: int = 4, turns: int = 20) -> Annotation:
    """Turns of a minute with overlap, none of a speaker with itself."""
    annotation = Annotation(uri="meeting")
    for track in range(turns):
        start = rng.uniform(0, 56)
        annotation[Segment(start, start + rng.uniform(0.2, 4)), track] = f"r{track % speakers}"
    return annotation.support()


def perturbed(reference: Annotation, rng: np.random.Generator) -> Annotation:
    """What a system might say: turns lost, moved, confused, added, and all names changed."""
    hypothesis = Annotation(uri=reference.uri)
    labels = reference.labels()
    for track, (segment, _, label) in enumerate(reference.itertracks(yield_label=True)):
        fate = rng.uniform()
        if fate < 0.1:
            continue
        speaker = labels.index(label) if fate < 0.8 else int(rng.integers(len(labels) + 1))
        start, end = np.sort(np.array([*segment]) + rng.normal(0, 0.3, 2)).clip(0)
        hypothesis[Segment(start, end), track] = f"h{speaker}"
    return hypothesis.support()


def examples() -> Iterator[tuple[Annotation, Annotation]]:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        reference = conversation(rng, speakers=1 + seed)
        yield reference, perturbed(reference, rng)


def by_pyannote(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None,
    collar: float,
    skip_overlap: bool,
) -> tuple[list[float], float, float]:
    """Seconds of total, miss, false alarm and confusion; DER; JER."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no UEM
        rate = DiarizationErrorRate(collar=2 * collar, skip_overlap=skip_overlap)
        times = rate(reference, hypothesis, uem=uem, detailed=True)
        jaccard = JaccardErrorRate(collar=2 * collar, skip_overlap=skip_overlap)
        jer = jaccard(reference, hypothesis, uem=uem)
    names = ("total", "missed detection", "false alarm", "confusion")
    return [times[name] for name in names], times["diarization error rate"], jer


def by_the_rules(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None,
    collar: float,
    skip_overlap: bool,
) -> list[float]:
    """Total, miss, false alarm and confusion as md-eval defines them, trying every mapping."""
    references, hypotheses = (
        [(*segment, label) for segment, _, label in annotation.itertracks(yield_label=True)]
        for annotation in (reference, hypothesis)
    )
    edges = [time for start, end, _ in references for time in (start, end)]
    limits = sorted(time for start, end, _ in references + hypotheses for time in (start, end))
    regions = [tuple(region) for region in uem] if uem else [(limits[0], limits[-1])]
    collars = [edge + sign * collar for edge in edges for sign in (-1, 1)]
    times = sorted({*limits, *chain(*regions), *collars})
    cells = []
    for start, end in pairwise(times):
        middle = (start + end) / 2
        present, claimed = (
            {label for first, last, label in turns if first < middle < last}
            for turns in (references, hypotheses)
        )
        if (
            any(first < middle < last for first, last in regions)
            and not any(abs(middle - edge) < collar for edge in edges)
            and not (skip_overlap and len(present) > 1)
        ):
            cells.append((end - start, present, claimed))
    correct = max(
        sum(
            length * len(present & {mapping[label] for label in claimed})
            for length, present, claimed in cells
        )
        for mapping in mappings(hypothesis.labels(), reference.labels())
    )
    total, miss, false_alarm, common = (
        sum(length * count(len(present), len(claimed)) for length, present, claimed in cells)
        for count in (
            lambda r, h: r,
            lambda r, h: max(r - h, 0),
            lambda r, h: max(h - r, 0),
            lambda r, h: min(r, h),
        )
    )
    return [total, miss, false_alarm, common - correct]


def mappings(hypotheses: list[str], references: list[str]) -> Iterator[dict[str, str]]:
    spare = [f"nobody {index}" for index in range(len(hypotheses))]
    for choice in set(permutations(references + spare[: len(hypotheses)], len(hypotheses))):
        yield dict(zip(hypotheses, choice, strict=True))


def seconds(components: Components) -> list[float]:
    return [
        components.total,
        components.miss,
        components.false_alarm,
        components.confusion,
    ]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("uem", [None, UEM])
def test_equals_pyannote_metrics(options: dict[str, Any], uem: Timeline | None) -> None:
    for reference, hypothesis in examples():
        scores = score(reference, hypothesis, uem, **options)
        times, der, jer = by_pyannote(reference, hypothesis, uem, **options)
        assert seconds(scores.pooled) == pytest.approx(times, abs=1e-9)
        assert scores.der == pytest.approx(der, abs=1e-12)
        assert scores.jer == pytest.approx(jer, abs=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("uem", [None, UEM])
def test_equals_the_rules_of_md_eval(options: dict[str, Any], uem: Timeline | None) -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        reference = conversation(rng, speakers=3, turns=12)
        hypothesis = perturbed(reference, rng)
        scores = score(reference, hypothesis, uem, **options)
        expected = by_the_rules(reference, hypothesis, uem, **options)
        assert seconds(scores.pooled) == pytest.approx(expected, abs=1e-4)


@pytest.mark.skipif(not ANNOTATIONS.is_dir(), reason="the shared annotations are not here")
def test_equals_pyannote_metrics_on_real_turn_taking(tmp_path: Path) -> None:
    paths = sorted(ANNOTATIONS.glob("voxconverse/dev/*.rttm"), key=lambda p: p.stat().st_size)
    rng = np.random.default_rng(0)
    for path in paths[20:60:10]:
        (reference,) = read_rttm(path).values()
        save_annotation(perturbed(reference, rng), tmp_path / "hypothesis.rttm")
        (hypothesis,) = read_rttm(tmp_path / "hypothesis.rttm").values()
        for options in OPTIONS[::3]:
            scores = score(path, tmp_path / "hypothesis.rttm", **options)
            times, der, jer = by_pyannote(reference, hypothesis, None, **options)
            assert seconds(scores.pooled) == pytest.approx(times, abs=1e-6)
            assert (scores.der, scores.jer) == pytest.approx((der, jer), abs=1e-9)


def test_worked_example() -> None:
    reference = annotated((0, 10, "a"), (8, 20, "b"))
    hypothesis = annotated((1, 12, "x"), (12, 22, "y"))
    components = score(reference, hypothesis).files["meeting"]
    # 0-1 missed; 1-8 right; 8-10 one of two missed; 10-12 confused; 12-20 right; 20-22 added.
    assert components.as_dict() == pytest.approx(
        {
            "total": 22,
            "correct": 17,
            "miss": 3,
            "false_alarm": 2,
            "confusion": 2,
            "speakers": 2,
            "miss_rate": 3 / 22,
            "false_alarm_rate": 2 / 22,
            "confusion_rate": 2 / 22,
            "der": 7 / 22,
            "jer": ((1 - 9 / 12) + (1 - 8 / 14)) / 2,
        }
    )


@pytest.mark.parametrize(("collar", "der"), [(0.0, 0.06), (0.2, 0.02 / 9.6 * 10), (0.3, 0.0)])
def test_the_collar_is_seconds_on_each_side(collar: float, der: float) -> None:
    reference, hypothesis = annotated((0, 10, "a")), annotated((0.3, 9.7, "a"))
    assert score(reference, hypothesis, collar=collar).der == pytest.approx(der)


def test_skip_overlap_leaves_out_overlapped_reference() -> None:
    reference = annotated((0, 10, "a"), (5, 15, "b"))
    hypothesis = annotated((0, 5, "a"), (10, 15, "b"))
    assert score(reference, hypothesis).pooled.miss == pytest.approx(10)
    components = score(reference, hypothesis, skip_overlap=True).pooled
    assert (components.total, components.miss) == pytest.approx((10, 0))


def test_a_hypothesis_equal_but_for_names_has_no_error() -> None:
    for reference, _ in examples():
        renamed = reference.rename_labels(generator="int")
        assert score(reference, renamed).pooled.as_dict() == pytest.approx(
            {
                **dict.fromkeys(("miss", "false_alarm", "confusion", "der", "jer"), 0.0),
                **dict.fromkeys(("miss_rate", "false_alarm_rate", "confusion_rate"), 0.0),
                **dict.fromkeys(("total", "correct"), sum(d for _, d in reference.chart())),
                "speakers": len(reference.labels()),
            }
        )


def test_time_has_no_unit() -> None:
    for reference, hypothesis in examples():
        slow = [
            annotated(*((2 * s.start, 2 * s.end, n) for s, _, n in each.itertracks(True)))
            for each in (reference, hypothesis)
        ]
        plain, doubled = score(reference, hypothesis), score(*slow, collar=0.0)
        assert (doubled.der, doubled.jer) == pytest.approx((plain.der, plain.jer))
        assert doubled.pooled.total == pytest.approx(2 * plain.pooled.total)


def test_files_pool_by_adding() -> None:
    references, hypotheses = zip(*examples(), strict=True)
    scores = score(
        dict(zip("abcde", references, strict=True)), dict(zip("abcde", hypotheses, strict=True))
    )
    alone = [score(*pair).pooled for pair in zip(references, hypotheses, strict=True)]
    assert list(scores.files) == list("abcde")
    assert list(scores.files.values()) == alone
    errors = sum(one.miss + one.false_alarm + one.confusion for one in alone)
    assert scores.der == pytest.approx(errors / sum(one.total for one in alone))
    weights = [one.speakers for one in alone]
    assert scores.jer == pytest.approx(np.average([one.jer for one in alone], weights=weights))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("uem", [None, UEM])
def test_empty_sides(options: dict[str, Any], uem: Timeline | None) -> None:
    empty, speech = annotated(), annotated((3, 5, "a"))
    nothing = score(empty, empty, uem, **options)
    assert (nothing.der, nothing.jer, nothing.pooled.total) == (0.0, 0.0, 0.0)
    added = score(empty, speech, uem, **options)
    assert (added.der, added.jer, added.pooled.false_alarm) == (1.0, 1.0, pytest.approx(2.0))
    missed = score(speech, empty, uem, **options)
    assert (missed.der, missed.jer) == (1.0, 1.0)
    assert missed.pooled.total == pytest.approx(2.0 - 2 * options["collar"])


def test_files_without_a_counterpart(tmp_path: Path) -> None:
    speech = annotated((0, 2, "a"))
    with pytest.warns(ScoringWarning) as caught:
        scores = score({"a": speech, "b": speech}, {"a": speech, "b.wav": speech})
    messages = [str(warning.message) for warning in caught]
    assert messages == [
        "b: missing in the hypothesis (it holds a, b.wav), counted as missed",
        "b.wav: not in the reference, so not scored",
    ]
    assert (scores.missing, scores.unscored) == (("b",), ("b.wav",))
    assert {name: one.der for name, one in scores.files.items()} == {"a": 0.0, "b": 1.0}

    (tmp_path / "empty.rttm").touch()
    save_annotation(speech, tmp_path / "speech.rttm")
    with pytest.warns(ScoringWarning, match="it holds no file"):
        assert score(tmp_path / "speech.rttm", tmp_path / "empty.rttm").der == 1.0
    assert score(tmp_path / "empty.rttm", tmp_path / "speech.rttm").der == 1.0
    assert score(tmp_path / "empty.rttm", tmp_path / "empty.rttm").der == 0.0


def test_one_annotation_matches_one_file_whatever_their_names(tmp_path: Path) -> None:
    save_annotation(annotated((0, 2, "a"), uri="other"), tmp_path / "a.rttm")
    for uri in (None, "meeting"):
        speech = annotated((0, 2, "a"), uri=uri)
        assert score(speech, tmp_path / "a.rttm").der == 0.0
        assert score(tmp_path / "a.rttm", speech).der == 0.0
        assert score(speech, annotated((0, 2, "b"), uri="c")).der == 0.0


def test_ids_match_however_their_accents_are_written() -> None:
    composed, decomposed = "r\u00e9union", "re\u0301union"
    speech = annotated((0, 2, "a"))
    scores = score(
        {composed: speech}, {decomposed: speech}, {decomposed: Timeline([Segment(0, 2)])}
    )
    assert list(scores.files) == [composed]


def test_uem_in_all_its_forms(tmp_path: Path) -> None:
    reference, hypothesis = annotated((0, 10, "a")), annotated((0, 4, "a"))
    path = tmp_path / "all.uem"
    path.write_text("meeting 1 0 3\nmeeting 1 2 5\n")
    overlapping = Timeline([Segment(0, 3), Segment(2, 5)])
    for uem in (path, str(path), overlapping, {"meeting": overlapping}):
        assert score(reference, hypothesis, uem).der == pytest.approx(1 / 5)
    assert score(reference, hypothesis).der == pytest.approx(6 / 10)
    two = {"meeting": reference, "talk": reference}
    with pytest.warns(ScoringWarning, match="talk: not in the UEM, so not scored"):
        scores = score(two, two, path)
    assert (list(scores.files), scores.unscored) == (["meeting"], ("talk",))
    with pytest.raises(ArgumentError, match=r"`uem` must be .* for 2 files, got a Timeline"):
        score(two, two, overlapping)
    with pytest.raises(ArgumentError, match=r"`uem` must name a file .*\(meeting\), got talk"):
        score(reference, hypothesis, {"talk": overlapping})


def test_a_speaker_that_overlaps_with_itself_is_reported() -> None:
    reference, twice = annotated((0, 10, "a")), annotated((0, 10, "x"), (4, 6, "x"))
    with pytest.warns(ScoringWarning, match=r"overlap in the hypothesis: 2\.000 s count more"):
        assert score(reference, twice).pooled.false_alarm == pytest.approx(2.0)
    assert score(reference, twice.support()).der == 0.0


@pytest.mark.parametrize("collar", [-0.1, float("nan"), float("inf")])
def test_collars_out_of_range(collar: float) -> None:
    with pytest.raises(ArgumentError, match="`collar` must be a finite number from 0"):
        score(annotated(), annotated(), collar=collar)


def test_faults_of_files_and_types(tmp_path: Path) -> None:
    path = tmp_path / "bad.rttm"
    path.write_text("SPEAKER meeting 1 0\n")
    with pytest.raises(FormatError, match=r"bad\.rttm:1: "):
        score(annotated(), path)
    with pytest.raises(ArgumentError, match=r"must be a path, an Annotation, .* got list"):
        score([annotated()], annotated())  # type: ignore[arg-type]


def test_the_convention_is_spelled_out() -> None:
    plain = Scores({}).convention
    assert "No collar" in plain
    assert "Overlapped reference speech is scored" in plain
    assert "as no UEM was given" in plain
    special = Scores({}, collar=0.25, skip_overlap=True, has_uem=True).convention
    assert "0.25 s on each side of every reference boundary" in special
    assert "pyannote.metrics calls this collar 0.5" in special
    assert "Overlapped reference speech is not scored" in special
    assert "the regions of the UEM" in special


def test_scores_as_json() -> None:
    reference, hypothesis = next(examples())
    scores = score(reference, hypothesis, UEM, collar=0.25)
    document = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert document["convention"] == scores.convention
    assert document["pooled"] == document["files"]["meeting"]
    assert document["pooled"]["der"] == scores.der
    assert (document["collar"], document["uem"], document["missing"]) == (0.25, True, [])


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("options", [{"collar": 30.0}, {"uem": Timeline([Segment(50, 60)])}])
def test_a_file_of_which_nothing_is_scored_is_told(
    convention: str, options: dict[str, Any]
) -> None:
    reference = annotated((0, 10, "a"))
    with pytest.warns(ScoringWarning, match="meeting: no speech of the reference is scored"):
        scored = score(reference, reference, convention=convention, **options)
    assert (scored.pooled.total, scored.der) == (0, 0)
    silent = score(annotated(), annotated(), convention=convention)  # as it should be: no warning
    assert silent.der == 0


def test_ids_and_speakers_in_two_writings_are_one() -> None:
    composed, decomposed = "r\u00e9union", "re\u0301union"
    whole = annotated((0, 5, composed), (5, 10, composed))
    parts = annotated((0, 5, composed), (5, 10, decomposed))
    assert score(whole, parts).der == score(parts, whole).der == 0
    files = {composed: annotated((0, 5, "a")), decomposed: annotated((5, 10, "a"))}
    for sides in (({composed: whole}, files), (files, {decomposed: whole})):
        scored = score(*sides)
        assert list(scored.files) == [composed]
        assert (scored.pooled.total, scored.der) == (10, 0)
    uem = {composed: Timeline([Segment(0, 2)]), decomposed: Timeline([Segment(6, 9)])}
    assert score({composed: whole}, files, uem).pooled.total == 5
