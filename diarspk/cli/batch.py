"""Many recordings: one result each, in one process or several, and a report of all."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import typer

from diarspk.cli.batch_progress import BatchProgress, batch_progress
from diarspk.cli.batch_task import Outcome, Task, TaskRunner, Work
from diarspk.cli.recordings import STDIN, Recording
from diarspk.cli.report import FAILED, Report, Row, read_done
from diarspk.cli.result_names import name_results
from diarspk.cli.terminal import say
from diarspk.cli.threads import limit_threads
from diarspk.cli.workers import WorkerDied, run_in_processes

__all__ = ["Batch", "Shard"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """One of several parts of a list: every ``of``-th recording, from the ``index``-th on."""

    index: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Read ``INDEX/OF``, counted from 1.

        Raises
        ------
        typer.BadParameter
            If it is something else.
        """
        if text is None:
            return cls()
        first, _, second = text.partition("/")
        numbers = first.isascii() and second.isascii() and first.isdigit() and second.isdigit()
        if not numbers or not 1 <= int(first) <= int(second):
            raise typer.BadParameter(
                f"--shard must be INDEX/OF from 1/OF to OF/OF, such as 1/8, got {text}; add 1 "
                "where an array counts from 0"
            )
        return cls(int(first), int(second))

    def of_list(self, listed: Sequence[Item]) -> list[Item]:
        """Take this part of a list."""
        return list(listed[self.index - 1 :: self.of])

    @property
    def report(self) -> str:
        """Name of the report: jobs of an array do not replace one another's."""
        return "report.csv" if self.of == 1 else f"report-{self.index}-of-{self.of}.csv"


@dataclass(frozen=True)
class Batch:
    """Recordings, and how they are done.

    Attributes
    ----------
    recordings : sequence of Recording
        All that the list names, also with shards.
    folder : Path
        Where results and the report go.
    suffix : str
        End of the names of results.
    jobs : int
        Processes side by side.
    resume : bool
        Leave out recordings that a report tells to be done with the same settings.
    cluster : str, optional
        Address of a Ray cluster with so many workers as `jobs`; see :mod:`diarspk.cluster`.
    shard : Shard
        Part of the list to do.
    """

    recordings: Sequence[Recording]
    folder: Path
    suffix: str
    jobs: int = 1
    resume: bool = False
    cluster: str | None = None
    shard: Shard = field(default_factory=Shard)

    def run(self, work: Work, quiet: bool) -> int:
        """Do all recordings, and tell of each that failed in one line.

        Returns
        -------
        int
            Number of recordings that failed.

        Raises
        ------
        DiarspkError
            If the models cannot be loaded.
        OSError
            If the report cannot be written.
        """
        tasks, before = self._plan(work)
        if (self.jobs > 1 or self.cluster) and any(task.path == STDIN for task in tasks):
            raise typer.BadParameter("- stands for stdin, which one process alone can read")
        # A mistyped name is told at once, not after hours.
        lost = [tell(TaskRunner(work)(task)) for task in tasks if task.lost]
        present = [task for task in tasks if not task.lost]
        if lost and not present:
            return len(lost)
        report = Report(self.folder / self.shard.report, before)
        for outcome in lost:
            if outcome.row is not None:
                report.add(outcome.row)
        with batch_progress(quiet, len(present), sum(task.size for task in present)) as progress:
            for outcome in self._outcomes(work, present, progress):
                if outcome.row is None:
                    progress.skip(outcome.task.size)
                else:
                    report.add(outcome.row)
                    progress.done(outcome.task.size)
        report.finish([task.result for task in tasks])
        skipped = len(tasks) - report.added
        if skipped:
            say(f"note: {skipped} of {len(tasks)} recordings were done before")
        return sum(row.status == FAILED for row in report.rows.values())

    def _plan(self, work: Work) -> tuple[list[Task], list[Row]]:
        """Make the tasks of the shard, and find the lines of those that may be done already."""
        done = read_done(self.folder) if self.resume else {}
        settings = work.settings
        tasks, before = [], []
        for named in self.shard.of_list(name_results(self.recordings, self.suffix)):
            task = Task.of(named, self.folder / f"{named.stem}{self.suffix}", settings)
            row = done.get(task.result)
            if row and row.settings == task.settings and row.digest and os.path.isfile(task.target):
                task = replace(task, known=row.digest)
                before.append(row)
            tasks.append(task)
        return tasks, before

    def _outcomes(
        self, work: Work, tasks: Sequence[Task], progress: BatchProgress
    ) -> Iterator[Outcome]:
        if self.cluster is not None and tasks:
            from diarspk.cli.cluster_work import run_on_cluster

            yield from map(tell, run_on_cluster(work, tasks, self.jobs, self.cluster))
        elif self.jobs > 1 and len(tasks) > 1:
            load = functools.partial(TaskRunner, work)
            for task, outcome in run_in_processes(load, tasks, self.jobs):
                if isinstance(outcome, WorkerDied):
                    outcome = Outcome(task).fail(f"{task.path}: {outcome.text}")
                yield tell(outcome)
        elif tasks:
            limit_threads()
            run = TaskRunner(work)
            for task in tasks:
                yield tell(run(task, progress.follow(task.named.name)))


def tell(outcome: Outcome) -> Outcome:
    """Print what is to be said of an outcome, and return it."""
    for message in outcome.messages:
        say(message)
    return outcome
