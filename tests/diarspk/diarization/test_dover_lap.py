"""Voting by hand, laws of it, and the dover-lap package where it is installed."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment
from typer.testing import CliRunner

from diarspk.cli import app
from diarspk.diarization.dover_lap import combine, rank_weights
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm, save_annotation
from diarspk.metrics import score
from eval.diarization.convention_check import perturb


def annotated(*turns: tuple[float, float, str], uri: str = "meeting") -> Annotation:
    annotation = Annotation(uri=uri)
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def conversation(seed: int, speakers: int = 4, turns: int = 20) -> Annotation:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 56, turns).round(2)
    return annotated(
        *(
            (start, start + round(rng.uniform(0.2, 6), 2), f"r{turn % speakers}")
            for turn, start in enumerate(starts.tolist())
        )
    ).support()


def hypotheses(seed: int, count: int = 3) -> list[Annotation]:
    """Perturbed copies, with names that do not agree, the one most like the others first."""
    rng = np.random.default_rng(seed)
    reference = conversation(seed)
    made = [perturb(reference, rng) for _ in range(count)]
    made = [
        one.rename_labels({label: f"{place}-{label}" for label in one.labels()})
        for place, one in enumerate(made)
    ]
    return [made[place] for place in np.argsort(-rank_weights(made), kind="stable")]


def turns(annotation: Annotation) -> list[tuple[float, float, str]]:
    return sorted((*segment, label) for segment, _, label in annotation.itertracks(True))


@pytest.mark.parametrize("mapping", ["greedy", "hungarian"])
def test_the_majority_wins(mapping: str) -> None:
    # Two of three end a at 10; two of three have b talk over a's end; names differ.
    sides = [
        annotated((0, 10, "a"), (8, 20, "b")),
        annotated((0, 10, "2"), (8, 20, "1")),
        annotated((0, 14, "x"), (14, 20, "y")),
    ]
    combined = combine(sides, weights=[1, 1, 1], mapping=mapping)  # type: ignore[arg-type]
    assert turns(combined) == [(0.0, 10.0, "SPEAKER_00"), (8.0, 20.0, "SPEAKER_01")]
    heavy = combine(sides, weights=[1, 1, 9], mapping=mapping)  # type: ignore[arg-type]
    assert turns(heavy) == [(0.0, 14.0, "SPEAKER_00"), (14.0, 20.0, "SPEAKER_01")]


@pytest.mark.parametrize("mapping", ["greedy", "hungarian"])
def test_equal_hypotheses_stay_what_they_are(mapping: str) -> None:
    reference = conversation(1)
    renamed = reference.rename_labels(generator="int")
    combined = combine([reference, renamed, reference], mapping=mapping)  # type: ignore[arg-type]
    assert score(reference, combined).der == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("mapping", ["greedy", "hungarian"])
def test_names_do_not_matter(mapping: str) -> None:
    sides = hypotheses(2)
    renamed = [side.rename_labels({n: f"z{n[::-1]}" for n in side.labels()}) for side in sides]
    weights = [0.5, 0.3, 0.2]
    first = combine(sides, weights=weights, mapping=mapping)  # type: ignore[arg-type]
    second = combine(renamed, weights=weights, mapping=mapping)  # type: ignore[arg-type]
    assert score(first, second).der == pytest.approx(0, abs=1e-6)


def test_voting_beats_the_mean_of_its_voters() -> None:
    gains = []
    for seed in range(4):
        sides = hypotheses(seed)
        reference = conversation(seed)
        alone = np.mean([score(reference, side).der for side in sides])
        gains.append(alone - score(reference, combine(sides)).der)
    assert min(gains) > 0


def test_weights_follow_agreement() -> None:
    reference = conversation(3)
    odd = annotated((0, 60, "x"))
    weights = rank_weights([odd, reference, reference.rename_labels(generator="int")])
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == weights.min()
    assert weights.max() / weights.min() == pytest.approx(3**0.1)


class OlderNumpy:
    """Numpy before 1.24, for dover-lap 1.3.1: arrays of many shapes add up by broadcasting."""

    def __getattr__(self, name: str) -> object:
        return getattr(np, name)

    def sum(self, arrays: list[np.ndarray] | np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return reduce(np.add, arrays) if isinstance(arrays, list) else np.sum(arrays)


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("mapping", ["greedy", "hungarian"])
@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_equals_dover_lap(
    mapping: str, count: int, smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("dover_lap.src.doverlap", reason="dover-lap is not installed")
    from dover_lap.libs.turn import Turn

    monkeypatch.setattr("dover_lap.src.mapping.greedy.np", OlderNumpy())
    for seed in range(3):
        sides = hypotheses(seed, count)
        weights = rank_weights(sides).tolist()  # they fall: the order that dover-lap sorts into
        found = module.DOVERLap.combine_turns_list(
            [
                [Turn(*segment, speaker_id=label, file_id="m") for segment, _, label in one]
                for one in (side.itertracks(yield_label=True) for side in sides)
            ],
            "m",
            label_mapping=mapping,
            weight_type="custom",
            custom_weight=weights,
            gaussian_filter_std=smoothing or 0.01,  # as little as none
        )
        theirs = annotated(
            *((float(turn.onset), float(turn.offset), f"{turn.speaker_id}") for turn in found)
        ).support(0.002)
        ours = combine(sides, weights=weights, mapping=mapping, smoothing=smoothing)  # type: ignore[arg-type]
        assert score(theirs, ours.support(0.002)).der < 0.001


def test_bad_arguments() -> None:
    one = annotated((0, 1, "a"))
    with pytest.raises(ArgumentError, match="two or more, got 1"):
        combine([one])
    with pytest.raises(ArgumentError, match=r"`weights` must be 2 numbers above 0"):
        combine([one, one], weights=[1, 0])
    with pytest.raises(ArgumentError, match="`mapping`"):
        combine([one, one], mapping="best")  # type: ignore[arg-type]
    many = annotated(*((second, second + 1, f"s{second}") for second in range(70)))
    with pytest.raises(ArgumentError, match="24,010,000 tuples"):
        combine([many] * 4)


def test_silence() -> None:
    empty, speech = annotated(), annotated((0, 4, "a"))
    assert not combine([empty, empty])
    assert turns(combine([speech, speech, empty], weights=[1, 1, 1])) == [(0, 4, "SPEAKER_00")]
    assert not combine([speech, empty, empty], weights=[1, 1, 1])


def test_one_name_in_two_writings_is_one_speaker() -> None:
    both = annotated((0, 4, "Zo\u00e9"), (4, 9, "Zoe\u0301"))
    assert turns(combine([both, both, both])) == [(0, 9, "SPEAKER_00")]


def test_command(tmp_path: Path) -> None:
    folder = tmp_path
    for place, side in enumerate(hypotheses(5)):
        save_annotation(side, folder / f"{place}.rttm")
    files = [str(folder / f"{place}.rttm") for place in range(3)]
    target = folder / "all.rttm"
    assert CliRunner().invoke(app, ["combine", *files, "-o", str(target)]).exit_code == 0
    assert list(read_rttm(target)) == ["meeting"]
    assert CliRunner().invoke(app, ["combine", files[0]]).exit_code == 2
    weights = ["--weights", "1,2"]
    assert CliRunner().invoke(app, ["combine", *files, *weights]).exit_code == 2
