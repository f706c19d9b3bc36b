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

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from eval.command_line import command, option
from eval.diarization.benchmark import run_benchmark, summarize
from eval.diarization.results import Summary
from eval.diarization.tables import CONVENTION, format_csv, format_summaries
from eval.report.run_record import JsonReport, describe_run, write_text
from eval.systems.registry import DIARIZERS

__all__ = ["main"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations, or lhotse's manifests of recordings."""
    systems: Annotated[
        tuple[str, ...],
        option(help=f"{', '.join(DIARIZERS)}, or rttm:FOLDER for what another system wrote."),
    ] = ("diarspk", "baseline")
    references: tuple[str, ...] = ()
    """Score against FOLDER/references/NAME as well, where a folder has it."""
    jobs: int = 1
    """Number of recordings at a time."""
    seeds: tuple[int, ...] = (0,)
    """Seeds, each of a run of its own."""
    keep: Path | None = None
    """Folder of results to go on from, and to add to."""
    per_recording: bool = False
    """Add a table with a row per recording."""
    by_speakers: bool = False
    """Add a table by the right number of speakers."""
    csv: Path | None = None
    """Write the figures as a table to this file."""
    markdown: Path | None = None
    """Write tables, convention, command and versions to this file."""
    plot: Path | None = None
    """Draw the errors as stacked bars to this file (matplotlib)."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 0 if every recording was scored."""
    outcomes = []
    for outcome in run_benchmark(
        settings.data,
        settings.systems,
        references=settings.references,
        jobs=settings.jobs,
        seeds=settings.seeds,
        keep=settings.keep,
    ):
        outcomes.append(outcome)
        print(
            f"{outcome.system} {outcome.collection}/{outcome.recording} "
            f"({outcome.reference}): "
            f"DER {100 * outcome.components.der:.1f} %",
            file=sys.stderr,
        )
    summaries = summarize(outcomes)
    print(f"{_format(summaries, settings)}\n\n{CONVENTION}")
    _write(summaries, settings)


def _format(summaries: Sequence[Summary], settings: Settings) -> str:
    return format_summaries(
        summaries, per_recording=settings.per_recording, by_speakers=settings.by_speakers
    )


def _write(summaries: Sequence[Summary], settings: Settings) -> None:
    """Write the files that were asked for."""
    run = describe_run()
    results = [summary.as_dict() for summary in summaries]
    settings.report.write({"convention": CONVENTION, "jobs": settings.jobs, "results": results})
    if settings.csv is not None:
        write_text(format_csv(summaries), settings.csv)
    if settings.markdown is not None:
        table = _format(summaries, settings)
        machine = f"{run['machine']['processor']}, {run['machine']['cores']} cores"
        versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
        parts = [table, CONVENTION, f"`{run['command']}`", f"{machine}; {versions}."]
        write_text("\n\n".join(parts) + "\n", settings.markdown)
    if settings.plot is not None:
        from eval.diarization.plot import plot_errors

        plot_errors(summaries, settings.plot)


if __name__ == "__main__":
    raise SystemExit(main())
