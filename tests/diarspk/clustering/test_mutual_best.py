"""Merging by mutual best with a margin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from diarspk.clustering.mutual_best import MutualBest, merge_mutual_best
from diarspk.errors import ArgumentError


def symmetric(count: int, pairs: dict[tuple[int, int], float], rest: float) -> NDArray[np.float64]:
    scores = np.full((count, count), rest)
    for (first, second), score in pairs.items():
        scores[first, second] = scores[second, first] = score
    return scores


def partition(found: MutualBest) -> set[frozenset[int]]:
    return {
        frozenset(np.flatnonzero(found.labels == label).tolist()) for label in set(found.labels)
    }


def test_a_hand_worked_case() -> None:
    # Recordings 0 (items 0, 1), 1 (items 2, 3) and 2 (item 4).
    pairs = {(0, 2): 5.0, (1, 3): 4.0, (0, 4): 3.0, (2, 4): 2.0, (3, 4): -3.0}
    found = merge_mutual_best(symmetric(5, pairs, -1.0), [0, 0, 1, 1, 2], threshold=1.0, margin=1.0)
    assert found.labels.tolist() == [0, 1, 0, 1, 0]
    first, second, third = found.merges
    assert (first.first, first.second, first.score, first.margin) == ((0,), (2,), 5.0, 6.0)
    assert (second.score, second.margin) == (4.0, np.inf), "{0, 2} can be neither 1 nor 3"
    assert (third.first, third.second, third.score) == ((0, 2), (4,), 2.5)
    assert third.margin == 4.5, "the rival is {1, 3}, whose mean with 4 is that of -1 and -3"
    assert found.undecided == ()


def test_a_voice_between_two_people_is_given_to_neither() -> None:
    scores = symmetric(3, {(0, 1): 5.0, (0, 2): 4.5}, 0.0)
    found = merge_mutual_best(scores, [0, 1, 1], threshold=1.0, margin=1.0)
    assert found.labels.tolist() == [0, 1, 2]
    assert [(one.first, one.second, one.margin) for one in found.undecided] == [
        ((0,), (1,), 0.5),
        ((0,), (2,), -0.5),
    ]
    assert merge_mutual_best(scores, [0, 1, 1], threshold=1.0, margin=0.5).labels.tolist() == [
        0,
        0,
        1,
    ]


def test_a_rival_that_finds_its_own_place_is_one_no_longer() -> None:
    # 0 is as alike to 2 as to 3; but 3 is surely 1, who shares a recording with 0.
    scores = symmetric(4, {(0, 2): 5.0, (0, 3): 4.8, (1, 3): 9.0}, -2.0)
    found = merge_mutual_best(scores, [0, 0, 1, 1], threshold=1.0, margin=1.0)
    assert partition(found) == {frozenset({0, 2}), frozenset({1, 3})}


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float64], list[int]]:
    count = draw(st.integers(1, 12))
    groups = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    half = generator.normal(0, 3, (count, count))
    return half + half.T, groups


@settings(deadline=None)
@given(problems(), st.floats(-3, 3), st.floats(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(
    problem: tuple[NDArray[np.float64], list[int]], threshold: float, margin: float, random: object
) -> None:
    scores, groups = problem
    order = list(range(len(groups)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = merge_mutual_best(scores, groups, threshold=threshold, margin=margin)
    shuffled = merge_mutual_best(
        scores[np.ix_(order, order)],
        [groups[index] for index in order],
        threshold=threshold,
        margin=margin,
    )
    assert partition(found) == {
        frozenset(order[index] for index in part) for part in partition(shuffled)
    }


@settings(deadline=None)
@given(problems(), st.floats(-3, 3), st.floats(0, 3))
def test_a_cluster_has_one_item_of_a_group_and_its_merges_are_good_enough(
    problem: tuple[NDArray[np.float64], list[int]], threshold: float, margin: float
) -> None:
    scores, groups = problem
    found = merge_mutual_best(scores, groups, threshold=threshold, margin=margin)
    for part in partition(found):
        assert len({groups[item] for item in part}) == len(part)
    assert len(found.merges) == len(groups) - len(partition(found))
    for merge in found.merges:
        assert merge.score >= threshold and merge.margin >= margin
        mean = scores[np.ix_(merge.first, merge.second)].mean()
        assert merge.score == pytest.approx(mean)
    for left in found.undecided:
        assert left.score >= threshold and left.margin < margin


@settings(deadline=None)
@given(problems(), st.floats(-3, 3))
def test_without_rivals_and_margin_it_is_average_linkage(
    problem: tuple[NDArray[np.float64], list[int]], threshold: float
) -> None:
    scores, _ = problem
    count = len(scores)
    if count < 2:
        return
    found = merge_mutual_best(scores, list(range(count)), threshold=threshold, margin=0.0)
    distances = scores.max() - scores
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), "average")
    labels = fcluster(tree, scores.max() - threshold, "distance")
    expected = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels)}
    assert partition(found) == expected


def test_wrong_shapes_and_values_are_refused() -> None:
    with pytest.raises(ArgumentError, match="shape"):
        merge_mutual_best(np.zeros((2, 2)), [0, 1, 2], threshold=0.0, margin=0.0)
    with pytest.raises(ArgumentError, match="finite"):
        merge_mutual_best(np.full((2, 2), np.nan), [0, 1], threshold=0.0, margin=0.0)
