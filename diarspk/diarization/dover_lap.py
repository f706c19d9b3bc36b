"""Combine several diarizations of one recording into one, by overlap-aware voting.

Source: Raj et al., *DOVER-Lap: A method for combining overlap-aware diarization outputs*, 2021
(arXiv 2011.01997). Labels are mapped to common ones; then each stretch of time gets as many
speakers as the hypotheses claim on average, those with the most weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from diarspk.arguments import as_numbers, check_number
from diarspk.errors import ArgumentError
from diarspk.formats.names import plain_name
from diarspk.formats.turns import check_annotation
from diarspk.intervals import find_runs
from diarspk.metrics import score
from diarspk.metrics.time_partition import count_covering, match_speakers

__all__ = ["Mapping", "combine", "rank_weights"]

Mapping = Literal["greedy", "hungarian"]

RANK_EXPONENT = 0.1
MAX_SMOOTHING = 1e6
MAX_TUPLES = 20_000_000
MIN_DURATION_S = 1e-3
"""Minimum duration of a stretch between two boundaries; shorter ones are rounding, not speech."""


def combine(
    hypotheses: Sequence[Annotation],
    *,
    weights: Sequence[float] | None = None,
    mapping: Mapping = "greedy",
    smoothing: float = 0.0,
) -> Annotation:
    """Combine diarizations of one recording.

    Parameters
    ----------
    hypotheses : sequence of Annotation
        Two or more; labels of one need not agree with those of another.
    weights : sequence of float, optional
        One for each; they are scaled to a sum of 1. Without them, those of :func:`rank_weights`.
    mapping : {"greedy", "hungarian"}
        How labels become common ones: the paper's greedy matching of one speaker of each
        hypothesis, or hypothesis after hypothesis onto what the former ones make up, the one that
        agrees most with the others first. Two hypotheses always take the latter.
    smoothing : float
        Deviation of a Gaussian over neighbouring stretches (not seconds) of the votes; 0.5 suits
        long turns, 0 leaves them.

    Returns
    -------
    Annotation
        Speakers are named SPEAKER_00, ... in order of appearance.

    Raises
    ------
    ArgumentError
        If there are fewer than two hypotheses, a weight for each is missing or not positive, or
        greedy matching would need too much memory.
    """
    if not isinstance(hypotheses, Sequence) or isinstance(hypotheses, str | bytes):
        raise ArgumentError(
            f"`hypotheses` must be a list of Annotations, got {type(hypotheses).__name__}"
        )
    if len(hypotheses) < 2:
        raise ArgumentError(f"`hypotheses` must be two or more, got {len(hypotheses)}")
    if not isinstance(mapping, str) or mapping not in get_args(Mapping):
        raise ArgumentError(f"`mapping` must be greedy or hungarian, got {mapping!r}")
    check_number(smoothing, "smoothing", minimum=0, maximum=MAX_SMOOTHING)
    sides = [_plain(hypothesis).support() for hypothesis in hypotheses]
    weight = _checked_weights(weights, sides)
    edges = np.unique(
        [edge for side in sides for segment in side.itersegments() for edge in segment]
    )
    if not len(edges):
        return Annotation(uri=hypotheses[0].uri)
    talks = [_presence(side, edges) for side in sides]
    if mapping == "hungarian" or len(sides) == 2:
        names = _map_in_turn(talks, np.diff(edges), np.argsort(-weight, kind="stable"))
    else:
        names = _map_greedily(talks, np.diff(edges))
    votes = np.zeros((len(edges) - 1, 1 + max(int(one.max(initial=-1)) for one in names)))
    for present, name, share in zip(talks, names, weight, strict=True):
        np.add.at(votes.T, name, share * present.T)
    return _annotate(_elect(votes, edges, smoothing), edges, hypotheses[0].uri)


def _plain(hypothesis: Annotation) -> Annotation:
    """Give each name one writing; see :func:`diarspk.formats.names.plain_name`."""
    labels = check_annotation(hypothesis, "hypotheses").labels()
    names = {label: plain_name(label) for label in labels if isinstance(label, str)}
    return hypothesis.rename_labels(names) if any(a != b for a, b in names.items()) else hypothesis


def rank_weights(hypotheses: Sequence[Annotation]) -> NDArray[np.float64]:
    """Weights that fall with the rank of each hypothesis, ``(hypotheses,)``, of sum 1.

    The best has the least mean diarization error rate against the others as references; rank r
    has a weight in proportion to r ** -0.1 (the paper's section 3.3).
    """
    errors = np.zeros(len(hypotheses))
    for place, hypothesis in enumerate(hypotheses):
        others = [other for at, other in enumerate(hypotheses) if at != place]
        rates = [score(other, hypothesis, convention="spyder").der for other in others]
        errors[place] = np.mean(rates)
    ranks = np.empty(len(errors))
    ranks[np.argsort(errors, kind="stable")] = np.arange(1, len(errors) + 1)
    weights = ranks**-RANK_EXPONENT
    return weights / weights.sum()


def _checked_weights(
    weights: Sequence[float] | None, hypotheses: Sequence[Annotation]
) -> NDArray[np.float64]:
    if weights is None:
        return rank_weights(hypotheses)
    weight = as_numbers(weights, "weights")
    if weight.shape != (len(hypotheses),) or not (np.isfinite(weight) & (weight > 0)).all():
        raise ArgumentError(f"`weights` must be {len(hypotheses)} numbers above 0, got {weights!r}")
    return weight / weight.sum()


def _presence(annotation: Annotation, edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Who talks in each stretch, ``(stretches, speakers)``."""
    present = np.zeros((len(edges) - 1, len(annotation.labels())), np.bool_)
    for column, label in enumerate(annotation.labels()):
        present[:, column] = count_covering(annotation.label_timeline(label), edges) > 0
    return present


def _map_in_turn(
    talks: Sequence[NDArray[np.bool_]],
    durations: NDArray[np.float64],
    order: NDArray[np.intp],
) -> list[NDArray[np.int64]]:
    """Map each hypothesis onto the union of those before: a common label for each speaker."""
    names = [np.zeros(0, np.int64)] * len(talks)
    union = np.zeros((len(durations), 0), np.bool_)
    for place in order.tolist():
        present = talks[place]
        common = (union * durations[:, None]).T @ present.astype(np.float64)
        name = np.full(present.shape[1], -1, np.int64)
        for known, speaker in match_speakers(common).tolist():
            name[speaker] = known
        new = np.flatnonzero(name < 0)
        name[new] = union.shape[1] + np.arange(len(new))
        union = np.concatenate([union, np.zeros((len(union), len(new)), np.bool_)], axis=1)
        union[:, name] |= present
        names[place] = name
    return names


def _map_greedily(
    talks: Sequence[NDArray[np.bool_]], durations: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Map labels by the global cost tensor, the tuples with the least cost first (algorithm 1).

    A tuple has one speaker of each hypothesis. A round takes tuples without a speaker in common,
    each with a speaker who is not mapped yet; rounds go on until every speaker is mapped.
    """
    counts = [present.shape[1] for present in talks]
    silent = np.zeros((len(durations), 1), np.bool_)  # stands in for a hypothesis of nobody
    talks = [present if present.shape[1] else silent for present in talks]
    size = int(np.prod([present.shape[1] for present in talks], dtype=float))
    if size > MAX_TUPLES:
        raise ArgumentError(
            f'`mapping` must be "hungarian" for so many speakers: greedy matching would compare '
            f"{size:,} tuples of them"
        )
    cost = _cost_tensor(talks, durations)
    order = np.argsort(cost, axis=None, kind="stable")
    tuples = np.stack(np.unravel_index(order, cost.shape), axis=1)  # (tuples, hypotheses)
    labels = [np.full(present.shape[1], -1, np.int64) for present in talks]
    label = 0
    while any((mapped < 0).any() for mapped in labels):
        for speakers in _disjoint_tuples(tuples, labels):
            for mapped, speaker in zip(labels, speakers, strict=True):
                mapped[speaker] = label if mapped[speaker] < 0 else mapped[speaker]
            label += 1
    return [mapped[:count] for mapped, count in zip(labels, counts, strict=True)]


def _disjoint_tuples(
    tuples: NDArray[np.intp], labels: Sequence[NDArray[np.int64]]
) -> Iterator[list[int]]:
    """Tuples of one round, in the order given: no two have a speaker in common.

    Each has a speaker without a label at the beginning of the round.
    """
    unmapped = [mapped[column] < 0 for mapped, column in zip(labels, tuples.T, strict=True)]
    picked = [np.zeros(len(mapped), np.bool_) for mapped in labels]
    for speakers in tuples[np.stack(unmapped, axis=1).any(axis=1)].tolist():
        if any(used[speaker] for used, speaker in zip(picked, speakers, strict=True)):
            continue
        for used, speaker in zip(picked, speakers, strict=True):
            used[speaker] = True
        yield speakers


def _cost_tensor(
    talks: Sequence[NDArray[np.bool_]], durations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Global cost tensor, an axis per hypothesis: negative relative overlap, summed over pairs."""
    overlap = np.zeros(tuple(present.shape[1] for present in talks))
    weighted = [present * durations[:, None] for present in talks]
    for (i, one), (j, other) in combinations(enumerate(talks), 2):
        common = weighted[i].T @ other.astype(np.float64)
        union = weighted[i].sum(0)[:, None] + weighted[j].sum(0)[None] - common
        relative = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
        axes = [1] * len(talks)
        axes[i], axes[j] = one.shape[1], other.shape[1]
        overlap += relative.reshape(axes)
    return -overlap


def _elect(
    votes: NDArray[np.float64], edges: NDArray[np.float64], smoothing: float
) -> NDArray[np.bool_]:
    """Choose the speakers of each stretch, as many as are claimed on average (section 3.2)."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.stats import rankdata

    voted = votes.any(1) & (np.diff(edges) > MIN_DURATION_S)
    counted = votes[voted]
    if smoothing > 0 and len(counted):
        counted = gaussian_filter1d(counted, sigma=smoothing, axis=0, mode="nearest")
    elected = np.zeros(votes.shape, np.bool_)
    # Sums of equal weights may differ in the last digit: they tie nevertheless.
    ranks = rankdata(-counted.round(9), axis=1, method="min")
    elected[voted] = ranks <= counted.sum(1, keepdims=True).round(9).round()
    return elected


def _annotate(
    elected: NDArray[np.bool_], edges: NDArray[np.float64], uri: str | None
) -> Annotation:
    annotation = Annotation(uri=uri)
    first = np.where(elected.any(0), elected.argmax(0), len(elected))
    for number, speaker in enumerate(np.argsort(first, kind="stable")[: int(elected.any(0).sum())]):
        for start, end in edges[find_runs(elected[:, speaker])].tolist():
            annotation[Segment(start, end), f"{number} {start}"] = f"SPEAKER_{number:02d}"
    return annotation
