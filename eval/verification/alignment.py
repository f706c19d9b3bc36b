"""Asymmetric enrolment-verification: one encoder enrols, another one verifies, aligned or not.

    python -m eval.verification.alignment --data ../shared/speech --enrolment resemblyzer \
        --runtime diarspk \
        --cache vectors/ --json alignment.json
    python -m eval.verification.alignment --data ../shared/speech --enrolment generation:18f69eb

Alignments are fitted on the train split and scored on dev speakers. ``generation:COMMIT`` is the
embedded encoder of an earlier commit: two generations are the close pair for which NESSA reports
its best figures, and what it claims is asked of every pair, line by line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from diarspk.errors import ArgumentError
from diarspk.verification.alignment import METHODS
from eval.command_line import command, one_of
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_split
from eval.report.cells import number_cell, percent_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.verification.alignment_claims import check_claims, format_claims
from eval.verification.alignment_curves import (
    CurvePoint,
    average_curve,
    curve_by_size,
    curve_by_speakers,
    format_curves,
)
from eval.verification.cross_encoder_verification import (
    FALSE_ALARM_RATES,
    AsymmetricResult,
    ProfileTrials,
    gain_retained,
    make_trials,
    measure_latency,
    score_alignment,
)
from eval.verification.encoder_pair import Pair, fit_alignment

__all__ = ["Row", "compare_methods", "main"]

TABLE_METHODS = (
    *("logits", "logits-centred", "procrustes-m1", "procrustes-m2"),
    *("least-squares-m1", "least-squares-m2"),
    *("m1", "m2", "m1-contrastive", "m2-contrastive", "m3", "m3-enrolment"),
)


@dataclass(frozen=True)
class Row:
    """A method, its errors, the share of the gain that it keeps, and what it costs."""

    result: AsymmetricResult
    gain: float | None
    latency_us: float | None


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
        alignment = fit_alignment(method, pair)
        found = score_alignment(method, alignment, old_rows, new_rows, trials)
        yield Row(found, _gain(old, found, new), measure_latency(alignment))


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
            percent_cell(row.gain, 0),
            number_cell(row.latency_us, 0),
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
    curve: tuple[Annotated[str, one_of(METHODS)], ...] = ("procrustes-m2", "m2-contrastive", "m3")
    """Alignments of the curves."""
    sizes: Sequence[int] = (30, 100, 300, 1000, 3000, 10000)
    """Numbers of pairs that they are fitted on."""
    speakers: Sequence[int] = (30, 100, 300, 900)
    """Numbers of speakers that they are fitted on."""
    draws: int = 3
    """Draws of what they are fitted on, over which a curve is the mean."""
    pairs: int = 900
    """Number of pairs of the curves by speakers."""
    limit: int | None = None
    """Number of train utterances to embed; none: all."""
    cache: Path | None = None
    """Folder to keep vectors in."""

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ArgumentError(f"`draws` must be 1 or more, got {self.draws}")


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
    old, new, *_ = (row.result for row in rows)
    ends = (old.equal_error_rate, new.equal_error_rate)
    by_size, by_speakers = _draw_curves(pair, trials, settings, ends)
    claims = list(check_claims(old, new, [row.result for row in rows]))
    convention = (
        f"{len(trials.profiles)} dev profiles, each the mean of {settings.enrolments} utterances "
        f"by `{settings.enrolment}`, against {len(trials.tests)} other utterances by "
        f"`{settings.runtime}`; alignments fitted on {len(pair.train[0].names)} train utterances "
        f"of {len(set(pair.train[0].speakers))} speakers. Gain: (EER of the old encoder - EER of "
        f"the pair) / (EER of the old - EER of the new), of {ends[0]:.2%} and {ends[1]:.2%}; "
        f"curves are means over {settings.draws} draws."
    )
    print(format_rows(rows))
    titles = ("pairs", f"speakers of {settings.pairs} pairs")
    for title, curves in zip(titles, (by_size, by_speakers), strict=True):
        if all(curves):
            print(f"\n{format_curves(title, curves)}")
    if claims:
        print(f"\nWhat NESSA claims (arXiv 2401.12440):\n\n{format_claims(claims)}")
    print(f"\n{convention}")
    report = {
        "convention": convention,
        "results": [asdict(row) for row in rows],
        "by_size": [asdict(point) for curve in by_size for point in curve],
        "by_speakers": [asdict(point) for curve in by_speakers for point in curve],
        "claims": [asdict(claim) for claim in claims],
    }
    settings.report.write(report)


def _draw_curves(
    pair: Pair, trials: ProfileTrials, settings: Settings, ends: tuple[float, float]
) -> tuple[list[list[CurvePoint]], list[list[CurvePoint]]]:
    """Fit every method of the curves on every draw, by pairs and by speakers."""
    by_size, by_speakers = [], []
    for method in settings.curve:
        sized, spoken = [], []
        for seed in range(settings.draws):
            sized.append(list(curve_by_size(pair, trials, method, settings.sizes, seed=seed)))
            counts, pairs = settings.speakers, settings.pairs
            spoken.append(list(curve_by_speakers(pair, trials, method, counts, pairs, seed=seed)))
        by_size.append(average_curve(sized, *ends))
        by_speakers.append(average_curve(spoken, *ends))
    return by_size, by_speakers


def _gain(old: AsymmetricResult, found: AsymmetricResult, new: AsymmetricResult) -> float | None:
    return gain_retained(old.equal_error_rate, found.equal_error_rate, new.equal_error_rate)


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
