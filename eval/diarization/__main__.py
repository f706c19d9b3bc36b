r"""Score diarization systems on folders of conversations: one table, ours beside others.

    python -m eval.diarization --data ../shared/conversations/ami --systems diarspk baseline \
        --references mfa only_words --seeds 0 1 --keep results/ \
        --markdown table.md --csv table.csv --json table.json

A data set is a folder of conversations, or a manifest of recordings that lhotse has prepared. With
``--keep``, an interrupted run goes on where it stopped, recording by recording. With
``--references``, each recording is scored against the RTTM files of ``FOLDER/references/NAME`` as
well: references of one recording can differ by half of the error, so every row names its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from diarspk.errors import DiarspkError
from eval.diarization.benchmark import run_benchmark, summarize
from eval.diarization.results import Summary
from eval.diarization.tables import CONVENTION, format_csv, format_summaries
from eval.report.run_record import describe_run, write_json
from eval.systems.registry import DIARIZERS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every recording was scored."""
    options = _parser().parse_args(arguments)
    try:
        outcomes = []
        for outcome in run_benchmark(
            options.data,
            options.systems,
            references=options.references,
            jobs=options.jobs,
            seeds=options.seeds,
            keep=options.keep,
        ):
            outcomes.append(outcome)
            print(
                f"{outcome.system} {outcome.collection}/{outcome.recording} "
                f"({outcome.reference}): "
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
        default=["diarspk", "baseline"],
        metavar="SYSTEM",
        help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER for what another system wrote",
    )
    add(
        "--references",
        nargs="+",
        default=[],
        metavar="NAME",
        help="score against FOLDER/references/NAME as well, where a folder has it",
    )
    add("--jobs", type=int, default=1, metavar="N", help="recordings at a time")
    add("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    add(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="go on from, and add to, the results stored here",
    )
    add("--per-recording", action="store_true", help="add a table with a row per recording")
    add("--by-speakers", action="store_true", help="add a table by the right number of speakers")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    add("--csv", type=Path, metavar="FILE")
    add("--markdown", type=Path, metavar="FILE")
    add("--plot", type=Path, metavar="FILE", help="stacked bars of the errors (matplotlib)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
