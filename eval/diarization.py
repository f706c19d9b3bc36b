"""Score diarization systems on folders of conversations: one table, ours beside the peer.

``python -m eval.diarization --data ../shared/conversations/ami --systems diarspk peer``
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from diarspk.errors import DiarspkError
from diarspk.scoring import score
from eval.conversations import Conversation, read_conversations
from eval.outcome import Outcome, Summary
from eval.report import describe_run, markdown_table, write_json
from eval.systems import DIARIZERS, Diarize, load_diarizer

__all__ = ["main", "run_benchmark"]

HEADER = (
    "set",
    "system",
    "DER %",
    "miss %",
    "false alarm %",
    "confusion %",
    "count right %",
    "count error",
    "seconds",
    "real-time factor",
)

CONVENTION = (
    "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names. "
    "Time is wall-clock, from path to annotation, without loading models."
)


def run_benchmark(
    folders: Sequence[Path], systems: Sequence[str], *, jobs: int = 1
) -> Iterator[Outcome]:
    """Every system on every recording, system by system.

    Parameters
    ----------
    folders
        Each holds conversations (see :func:`eval.conversations.read_conversations`).
    systems
        Names that :func:`eval.systems.load_diarizer` knows.
    jobs
        Recordings at a time. With more than one, processing times include the contention.
    """
    tasks = [
        (system, folder.name, conversation)
        for folder in folders
        for conversation in read_conversations(folder)
        for system in systems
    ]
    tasks.sort(key=lambda task: systems.index(task[0]))  # stable: keeps folders and names
    if jobs == 1:
        yield from map(diarize_and_score, *zip(*tasks, strict=True))
        return
    workers = ProcessPoolExecutor(jobs, get_context("spawn"), _share_cores, (jobs,))
    with workers:
        yield from workers.map(diarize_and_score, *zip(*tasks, strict=True))


def diarize_and_score(system: str, collection: str, conversation: Conversation) -> Outcome:
    """Run one system on one recording and compare with the reference."""
    diarize = _loaded(system)
    start = time.perf_counter()
    hypothesis = diarize(conversation.audio)
    processing = time.perf_counter() - start
    name = conversation.name
    scores = score(
        {name: conversation.reference}, {name: hypothesis}, {name: conversation.uem}, collar=0.0
    )
    return Outcome(
        system=system,
        collection=collection,
        recording=name,
        components=scores.pooled,
        reference_speakers=conversation.count_speakers(conversation.reference),
        found_speakers=conversation.count_speakers(hypothesis),
        duration=conversation.duration,
        processing=processing,
    )


def summarize(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Pool outcomes by collection and system: the systems of one collection are neighbours."""

    def key(outcome: Outcome) -> tuple[int, int]:
        return collections.index(outcome.collection), systems.index(outcome.system)

    collections = list(dict.fromkeys(outcome.collection for outcome in outcomes))
    systems = list(dict.fromkeys(outcome.system for outcome in outcomes))
    return [Summary(list(group)) for _, group in groupby(sorted(outcomes, key=key), key)]


def format_summaries(summaries: Sequence[Summary], *, per_recording: bool = False) -> str:
    """One Markdown table; with ``per_recording`` a second one, a recording a row."""
    table = markdown_table(HEADER, [_row(summary, summary.collection) for summary in summaries])
    if not per_recording:
        return table
    rows = [
        _row(Summary([outcome]), f"{outcome.collection}/{outcome.recording}")
        for summary in summaries
        for outcome in summary.outcomes
    ]
    return f"{table}\n\n{markdown_table(HEADER, sorted(rows, key=lambda row: row[0]))}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every recording was scored."""
    options = _parser().parse_args(arguments)
    try:
        outcomes = []
        for outcome in run_benchmark(options.data, options.systems, jobs=options.jobs):
            outcomes.append(outcome)
            print(
                f"{outcome.system} {outcome.collection}/{outcome.recording}: "
                f"DER {100 * outcome.components.der:.1f} %",
                file=sys.stderr,
            )
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    summaries = summarize(outcomes)
    print(format_summaries(summaries, per_recording=options.per_recording))
    print(f"\n{CONVENTION}")
    if options.json is not None:
        results = [summary.as_dict() for summary in summaries]
        write_json(
            {**describe_run(), "convention": CONVENTION, "jobs": options.jobs, "results": results},
            options.json,
        )
    if options.plot is not None:
        from eval.plot import plot_errors

        plot_errors(summaries, options.plot)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.diarization", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    add(
        "--systems",
        nargs="+",
        default=["diarspk", "peer"],
        metavar="SYSTEM",
        help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER for what another system wrote",
    )
    add("--jobs", type=int, default=1, metavar="N", help="recordings at a time")
    add("--per-recording", action="store_true", help="add a table with a row per recording")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    add("--plot", type=Path, metavar="FILE", help="stacked bars of the errors (matplotlib)")
    return parser


def _row(summary: Summary, label: str) -> list[str]:
    parts = summary.components
    shares = (parts.der, parts.miss_rate, parts.false_alarm_rate, parts.confusion_rate)
    return [
        label,
        summary.system,
        *(f"{100 * share:.1f}" for share in shares),
        f"{100 * summary.count_accuracy:.0f}",
        f"{summary.count_error:.2f}",
        f"{summary.processing:.1f}",
        f"{summary.real_time_factor:.4f}",
    ]


@lru_cache(maxsize=1)  # one at a time in memory: tasks come system by system
def _loaded(system: str) -> Diarize:
    return load_diarizer(system)


def _share_cores(jobs: int) -> None:
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))


if __name__ == "__main__":
    raise SystemExit(main())
