r"""Score diarization systems on folders of conversations: one table, ours beside the peer.

    python -m eval.diarization --data ../shared/conversations/ami --systems diarspk peer \
        --seeds 0 1 --keep kept/ --markdown table.md --csv table.csv --json table.json

A data set is a folder of conversations, or a manifest of recordings that lhotse has prepared. With
``--keep``, an interrupted run goes on where it stopped, recording by recording.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from io import StringIO
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from diarspk.errors import DiarspkError
from diarspk.metrics import score
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversations
from eval.diarization.manifests import data_set_name
from eval.diarization.result_cache import Hypothesis, HypothesisStore
from eval.diarization.results import Outcome, Summary
from eval.report.report import describe_run, markdown_table, write_json
from eval.systems.registry import DIARIZERS, RTTM_PREFIX, Diarize, load_diarizer

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
    "seeds",
    "DER over seeds",
)

COUNT_HEADER = ("set", "system", "speakers", "recordings", "right", "found (mean)", "DER %")

CONVENTION = (
    "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names. "
    "Time is wall-clock, from path to annotation, without loading models. DER over seeds is its "
    "standard deviation."
)


def run_benchmark(
    folders: Sequence[Path],
    systems: Sequence[str],
    *,
    jobs: int = 1,
    seeds: Sequence[int] = (0,),
    keep: Path | None = None,
) -> Iterator[Outcome]:
    """Every system on every recording with every seed, system by system.

    Parameters
    ----------
    folders
        Each holds conversations (see :func:`eval.diarization.conversations.read_conversations`).
    systems
        Names that :func:`eval.systems.registry.load_diarizer` knows.
    jobs
        Recordings at a time. With more than one, processing times include the contention.
    seeds
        Of the generators that a system may draw from, set before each recording.
    keep
        Folder of what was written before; recordings that are in it are not diarized again.
    """
    tasks = [
        (system, data_set_name(folder), conversation, seed, keep)
        for folder in folders
        for conversation in read_conversations(folder)
        for system in systems
        for seed in seeds
    ]
    tasks.sort(key=lambda task: systems.index(task[0]))  # stable: keeps folders and names
    if jobs == 1:
        yield from map(diarize_and_score, *zip(*tasks, strict=True))
        return
    workers = ProcessPoolExecutor(jobs, get_context("spawn"), _share_cores, (jobs,))
    with workers:
        yield from workers.map(diarize_and_score, *zip(*tasks, strict=True))


def diarize_and_score(
    system: str,
    collection: str,
    conversation: Conversation,
    seed: int = 0,
    keep: Path | None = None,
) -> Outcome:
    """Run one system on one recording, unless it is kept, and compare with the reference."""
    store = None if keep is None or system.startswith(RTTM_PREFIX) else HypothesisStore(keep)
    found = None if store is None else store.read(system, collection, conversation.audio, seed)
    if found is None:
        found = _diarize(system, conversation.audio, seed)
        if store is not None:
            store.write(system, collection, conversation.audio, seed, found)
    name = conversation.name
    scores = score(
        {name: conversation.reference},
        {name: found.annotation},
        {name: conversation.uem},
        collar=0.0,
    )
    return Outcome(
        system=system,
        collection=collection,
        recording=name,
        components=scores.pooled,
        reference_speakers=conversation.count_speakers(conversation.reference),
        found_speakers=conversation.count_speakers(found.annotation),
        duration=conversation.duration,
        processing=found.processing,
        seed=seed,
    )


def _diarize(system: str, audio: Path, seed: int) -> Hypothesis:
    diarize = _loaded(system)
    _set_seed(seed)
    start = time.perf_counter()
    hypothesis = diarize(audio)
    return Hypothesis(hypothesis, time.perf_counter() - start)


def summarize(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Pool outcomes by collection and system: the systems of one collection are neighbours."""

    def key(outcome: Outcome) -> tuple[int, int]:
        return collections.index(outcome.collection), systems.index(outcome.system)

    collections = list(dict.fromkeys(outcome.collection for outcome in outcomes))
    systems = list(dict.fromkeys(outcome.system for outcome in outcomes))
    return [Summary(list(group)) for _, group in groupby(sorted(outcomes, key=key), key)]


def format_summaries(
    summaries: Sequence[Summary], *, per_recording: bool = False, by_speakers: bool = False
) -> str:
    """Markdown: a row a system; on request also by the number of speakers, and by recording."""
    tables = [markdown_table(HEADER, [_row(summary, summary.collection) for summary in summaries])]
    if by_speakers:
        counts = [row for summary in summaries for row in _count_rows(summary)]
        tables.append(markdown_table(COUNT_HEADER, counts))
    if per_recording:
        rows = [
            _row(Summary([outcome]), f"{outcome.collection}/{outcome.recording}")
            for summary in summaries
            for outcome in summary.outcomes
        ]
        tables.append(markdown_table(HEADER, sorted(rows, key=lambda row: row[0])))
    return "\n\n".join(tables)


def format_csv(summaries: Sequence[Summary]) -> str:
    """Comma-separated: a row for each system and data set, with the columns of the table."""
    stream = StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(_row(summary, summary.collection) for summary in summaries)
    return stream.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every recording was scored."""
    options = _parser().parse_args(arguments)
    try:
        outcomes = []
        for outcome in run_benchmark(
            options.data,
            options.systems,
            jobs=options.jobs,
            seeds=options.seeds,
            keep=options.keep,
        ):
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
    print(f"{_format(summaries, options)}\n\n{CONVENTION}")
    _write(summaries, options)
    return 0


def _format(summaries: Sequence[Summary], options: argparse.Namespace) -> str:
    return format_summaries(
        summaries, per_recording=options.per_recording, by_speakers=options.by_speakers
    )


def _write(summaries: Sequence[Summary], options: argparse.Namespace) -> None:
    """Write the files that were asked for."""
    run = describe_run()
    if options.json is not None:
        results = [summary.as_dict() for summary in summaries]
        write_json(
            {**run, "convention": CONVENTION, "jobs": options.jobs, "results": results},
            options.json,
        )
    if options.csv is not None:
        options.csv.write_text(format_csv(summaries), encoding="utf-8")
    if options.markdown is not None:
        table = _format(summaries, options)
        machine = f"{run['machine']['processor']}, {run['machine']['cores']} cores"
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        parts = [table, CONVENTION, f"`{run['command']}`", f"{machine}; {versions}."]
        options.markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    if options.plot is not None:
        from eval.diarization.plot import plot_errors

        plot_errors(summaries, options.plot)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m eval.diarization",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help="folders, or lhotse's manifests of recordings",
    )
    add(
        "--systems",
        nargs="+",
        default=["diarspk", "peer"],
        metavar="SYSTEM",
        help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER for what another system wrote",
    )
    add("--jobs", type=int, default=1, metavar="N", help="recordings at a time")
    add("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    add("--keep", type=Path, metavar="FOLDER", help="go on from, and add to, what is kept here")
    add("--per-recording", action="store_true", help="add a table with a row per recording")
    add("--by-speakers", action="store_true", help="add a table by the right number of speakers")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    add("--csv", type=Path, metavar="FILE")
    add("--markdown", type=Path, metavar="FILE")
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
        f"{len(summary.seeds)}",
        f"{100 * summary.der_deviation:.2f}",
    ]


def _count_rows(summary: Summary) -> list[list[str]]:
    return [
        [
            summary.collection,
            summary.system,
            str(count),
            str(len(part.outcomes)),
            str(round(part.count_accuracy * len(part.outcomes))),
            f"{part.found_speakers:.1f}",
            f"{100 * part.components.der:.1f}",
        ]
        for count, part in summary.by_speakers().items()
    ]


@lru_cache(maxsize=1)  # one at a time in memory: tasks come system by system
def _loaded(system: str) -> Diarize:
    return load_diarizer(system)


def _set_seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # systems may use the old generator
    torch.manual_seed(seed)


def _share_cores(jobs: int) -> None:
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))


if __name__ == "__main__":
    raise SystemExit(main())
