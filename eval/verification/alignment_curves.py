"""What an alignment is worth by the number of pairs, or of speakers, that it is fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.report.cells import percent_cell
from eval.report.markdown import markdown_table
from eval.verification.cross_encoder_verification import (
    AsymmetricResult,
    ProfileTrials,
    gain_retained,
    score_alignment,
)
from eval.verification.encoder_pair import Pair, fit_alignment

__all__ = [
    "CurvePoint",
    "average_curve",
    "curve_by_size",
    "curve_by_speakers",
    "format_curves",
]


@dataclass(frozen=True)
class CurvePoint:
    """An alignment that was fitted on so much: the mean of several draws.

    Attributes
    ----------
    method : str
    count : int
        Pairs, or speakers of a given number of pairs.
    equal_error_rate, miss_rate : float
        The latter at a false acceptance of 12.5 %.
    gain : float, optional
        Share of the gain in EER that is kept; None where the new encoder is no better.
    """

    method: str
    count: int
    equal_error_rate: float
    miss_rate: float
    gain: float | None


def curve_by_size(
    pair: Pair, trials: ProfileTrials, method: str, sizes: Sequence[int], *, seed: int = 0
) -> Iterator[tuple[int, AsymmetricResult]]:
    """Fit on so many pairs, drawn at random; the draws are nested."""
    order = np.random.default_rng(seed).permutation(len(pair.train[0].names))
    for size in sizes:
        if size <= len(order):
            alignment = fit_alignment(method, pair, np.sort(order[:size]))
            vectors = (pair.dev[0].vectors, pair.dev[1].vectors)
            yield size, score_alignment(method, alignment, *vectors, trials)


def curve_by_speakers(
    pair: Pair,
    trials: ProfileTrials,
    method: str,
    counts: Sequence[int],
    size: int,
    *,
    seed: int = 0,
) -> Iterator[tuple[int, AsymmetricResult]]:
    """Fit on ``size`` pairs of so many speakers: the amount stays, the diversity changes.

    Counts whose richest speakers have fewer pairs together are left out.
    """
    random = np.random.default_rng(seed)
    names, speaker = np.unique(np.asarray(pair.train[0].speakers), return_inverse=True)
    richest = np.argsort(-np.bincount(speaker), kind="stable")
    for count in counts:
        if count > min(size, len(names)):
            continue
        rows = _spread(speaker, richest[:count], size, random)
        if len(rows) == size:
            vectors = (pair.dev[0].vectors, pair.dev[1].vectors)
            alignment = fit_alignment(method, pair, rows)
            yield count, score_alignment(method, alignment, *vectors, trials)


def average_curve(
    draws: Sequence[Sequence[tuple[int, AsymmetricResult]]], old: float, new: float
) -> list[CurvePoint]:
    """Average one curve over draws of what it was fitted on.

    Parameters
    ----------
    draws : sequence of sequence of (int, AsymmetricResult)
        The same counts in each.
    old, new : float
        Equal error rates of the encoders on both sides.
    """
    points = []
    for drawn in zip(*draws, strict=True):
        (count, first), *_ = drawn
        error = float(np.mean([found.equal_error_rate for _, found in drawn]))
        missed = float(np.mean([found.miss_rates[0] for _, found in drawn]))
        points.append(
            CurvePoint(first.method, count, error, missed, gain_retained(old, error, new))
        )
    return points


def format_curves(title: str, curves: Sequence[Sequence[CurvePoint]]) -> str:
    """Write a Markdown table with a row for each count: EER and gain of every method."""
    methods = [curve[0].method for curve in curves]
    header = [title, *(f"{one}: {what} %" for one in methods for what in ("EER", "gain"))]
    cells = [
        [
            f"{points[0].count}",
            *(
                cell
                for one in points
                for cell in (
                    f"{100 * one.equal_error_rate:.2f}",
                    percent_cell(one.gain, 0),
                )
            ),
        ]
        for points in zip(*curves, strict=True)
    ]
    return markdown_table(header, cells)


def _spread(
    speaker: NDArray[np.intp],
    chosen: NDArray[np.intp],
    size: int,
    random: np.random.Generator,
) -> NDArray[np.intp]:
    """Select at most ``size`` utterances of the chosen speakers, as evenly as they have them."""
    queues = [random.permutation(np.flatnonzero(speaker == one)) for one in chosen]
    rows: list[int] = []
    turn = 0
    while len(rows) < size and any(len(queue) > turn for queue in queues):
        rows.extend(int(queue[turn]) for queue in queues if len(queue) > turn)
        turn += 1
    return np.sort(np.array(rows[:size], np.intp))
