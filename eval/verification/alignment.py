"""Asymmetric enrolment-verification: one encoder enrols, another one verifies, aligned or not.

    python -m eval.verification.alignment --data ../shared/speech --enrolment resemblyzer \
        --runtime diarspk \
        --cache vectors/ --json alignment.json

Alignments are fitted on the train split and scored on dev speakers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.alignment import METHODS, Alignment, make_alignment
from eval.command_line import command, one_of
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_split
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.verification.cross_encoder_verification import (
    FALSE_ALARM_RATES,
    AsymmetricResult,
    ProfileTrials,
    gain_retained,
    make_trials,
    measure_latency,
    score_alignment,
)

__all__ = ["Pair", "Row", "compare_methods", "curve_by_size", "curve_by_speakers", "main"]

TABLE_METHODS = (
    *("logits", "logits-centred", "procrustes-m1", "procrustes-m2"),
    *("least-squares-m1", "least-squares-m2"),
    *("m1", "m2", "m1-contrastive", "m2-contrastive", "m3", "m3-enrolment"),
)


@dataclass(frozen=True, eq=False)
class Pair:
    """The same train and dev utterances by both encoders."""

    train: tuple[EmbeddedSplit, EmbeddedSplit]
    dev: tuple[EmbeddedSplit, EmbeddedSplit]


@dataclass(frozen=True)
class Row:
    """A method, its errors, the share of the gain that it keeps, and what it costs."""

    result: AsymmetricResult
    gain: float | None
    latency_us: float | None


def fit(method: str, pair: Pair, chosen: NDArray[np.intp] | None = None) -> Alignment:
    """Fit on the train split, or on some of its utterances."""
    first, second = pair.train
    rows = np.arange(len(first.names)) if chosen is None else chosen
    alignment = make_alignment(method, first.space, second.space)
    names = [first.speakers[row] for row in rows]
    return alignment.fit(first.vectors[rows], second.vectors[rows], names)


def compare_methods(
    pair: Pair, trials: ProfileTrials, methods: Sequence[str] = TABLE_METHODS
) -> Iterator[Row]:
    """Score both encoders alone, unaligned where dimensions allow, then every method."""
    old_rows, new_rows = (side.vectors for side in pair.dev)
    old = score_alignment("old encoder on both sides", None, old_rows, old_rows, trials)
    new = score_alignment("new encoder on both sides", None, new_rows, new_rows, trials)
    yield Row(old, None, None)
    yield Row(new, None, None)
    if old_rows.shape[1] == new_rows.shape[1]:
        bare = score_alignment("unaligned", None, old_rows, new_rows, trials)
        yield Row(bare, _gain(old, bare, new), 0.0)
    for method in methods:
        alignment = fit(method, pair)
        found = score_alignment(method, alignment, old_rows, new_rows, trials)
        yield Row(found, _gain(old, found, new), measure_latency(alignment))


def curve_by_size(
    pair: Pair, trials: ProfileTrials, method: str, sizes: Sequence[int], *, seed: int = 0
) -> Iterator[tuple[int, AsymmetricResult]]:
    """Fit on so many pairs, drawn at random; the draws are nested."""
    order = np.random.default_rng(seed).permutation(len(pair.train[0].names))
    for size in sizes:
        if size <= len(order):
            alignment = fit(method, pair, np.sort(order[:size]))
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
            alignment = fit(method, pair, rows)
            yield count, score_alignment(method, alignment, *vectors, trials)


def format_rows(rows: Sequence[Row]) -> str:
    """Write a Markdown table."""
    header = [
        "method",
        "EER %",
        *(f"FRR % at FAR {100 * rate:g} %" for rate in FALSE_ALARM_RATES),
        "gain retained %",
        "latency us",
    ]
    cells = [
        [
            row.result.method,
            f"{100 * row.result.equal_error_rate:.2f}",
            *(f"{100 * rate:.2f}" for rate in row.result.miss_rates),
            "-" if row.gain is None else f"{100 * row.gain:.0f}",
            "-" if row.latency_us is None else f"{row.latency_us:.0f}",
        ]
        for row in rows
    ]
    return markdown_table(header, cells)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of utterances in shards."""
    enrolment: str
    """Encoder that enrols: resemblyzer, or a name or path."""
    runtime: str = "diarspk"
    """Encoder that verifies."""
    enrolments: int = 2
    """Number of utterances of a profile."""
    methods: tuple[Annotated[str, one_of(METHODS)], ...] = TABLE_METHODS
    """Alignments to compare."""
    curve: Annotated[str, one_of(METHODS)] = "m2-contrastive"
    """Alignment of the curves."""
    sizes: Sequence[int] = (100, 300, 1000, 3000, 10000)
    """Numbers of pairs that it is fitted on."""
    speakers: Sequence[int] = (30, 100, 300, 900)
    """Numbers of speakers that it is fitted on."""
    pairs: int = 900
    """Number of pairs of the curve by speakers."""
    limit: int | None = None
    """Number of train utterances to embed; none: all."""
    cache: Path | None = None
    """Folder to keep vectors in."""


@command
def main(settings: Settings) -> None:
    pair = _load(settings)
    trials = make_trials(pair.dev[0].speakers, settings.enrolments)
    rows = []
    for row in compare_methods(pair, trials, settings.methods):
        rows.append(row)
        print(
            f"{row.result.method}: EER {100 * row.result.equal_error_rate:.2f} %",
            file=sys.stderr,
        )
    sizes = list(curve_by_size(pair, trials, settings.curve, settings.sizes))
    speakers = list(
        curve_by_speakers(pair, trials, settings.curve, settings.speakers, settings.pairs)
    )
    convention = (
        f"{len(trials.profiles)} dev profiles, each the mean of {settings.enrolments} utterances "
        f"by `{settings.enrolment}`, against {len(trials.tests)} other utterances by "
        f"`{settings.runtime}`; alignments fitted on {len(pair.train[0].names)} train utterances "
        f"of {len(set(pair.train[0].speakers))} speakers."
    )
    print(format_rows(rows))
    for title, curve in (("pairs", sizes), (f"speakers of {settings.pairs} pairs", speakers)):
        if curve:
            cells = [[f"{n}", f"{100 * found.equal_error_rate:.2f}"] for n, found in curve]
            print(f"\n{markdown_table([title, f'EER % of {settings.curve}'], cells)}")
    print(f"\n{convention}")
    report = {
        "convention": convention,
        "results": [asdict(row) for row in rows],
        "by_size": [(count, asdict(found)) for count, found in sizes],
        "by_speakers": [(count, asdict(found)) for count, found in speakers],
    }
    settings.report.write(report)


def _gain(old: AsymmetricResult, found: AsymmetricResult, new: AsymmetricResult) -> float | None:
    return gain_retained(old.equal_error_rate, found.equal_error_rate, new.equal_error_rate)


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


def _load(settings: Settings) -> Pair:
    def both(split: str, limit: int | None) -> tuple[EmbeddedSplit, EmbeddedSplit]:
        first, second = (
            embed_split(settings.data, split, system, cache=settings.cache, limit=limit)
            for system in (settings.enrolment, settings.runtime)
        )
        return first, second

    return Pair(both("train", settings.limit), both("dev", None))


if __name__ == "__main__":
    raise SystemExit(main())
