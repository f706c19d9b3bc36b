"""Many recordings: one result each, in one process or several, and a report of all."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from diarspk.cli.batch_options import BatchOptions
from diarspk.cli.batch_progress import BatchProgress, batch_progress
from diarspk.cli.batch_task import Outcome, Source, Task, TaskRunner, Work
from diarspk.cli.folder_lock import locked_report
from diarspk.cli.recordings import STDIN, Recording
from diarspk.cli.report import DONE, FAILED, Report, Row, read_done
from diarspk.cli.result_names import name_results
from diarspk.cli.terminal import say
from diarspk.cli.threads import limit_threads
from diarspk.cli.workers import WorkerDied, run_in_processes

__all__ = ["Batch", "Finished"]


@dataclass(frozen=True)
class Finished:
    """What came of a batch: the tasks whose result is there, and how many recordings failed."""

    done: tuple[Task, ...]
    failed: int


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
        End of the names of results; empty where a result is a folder.
    options : BatchOptions
    """

    recordings: Sequence[Recording]
    folder: Path
    suffix: str
    options: BatchOptions

    def run(self, work: Work[Source], quiet: bool) -> Finished:
        """Do all recordings, and tell of each that failed in one line.

        Raises
        ------
        DiarspkError
            If the models cannot be loaded.
        ArgumentError
            If another process writes into the folder.
        OSError
            If the report cannot be written.
        """
        tasks, before = self._plan(work)
        jobs, cluster = self.options.jobs, self.options.cluster
        if (jobs > 1 or cluster) and any(task.path == STDIN for task in tasks):
            raise typer.BadParameter("- stands for stdin, which one process alone can read")
        # A mistyped name is told at once, not after hours.
        lost = [tell(TaskRunner(work)(task)) for task in tasks if task.lost]
        present = [task for task in tasks if not task.lost]
        if lost and not present:
            return Finished((), len(lost))
        report = Report(self.folder / self.options.shard.report, before)
        with locked_report(report.path), _told_if_stopped(report, len(tasks)):
            for outcome in lost:
                if outcome.row is not None:
                    report.add(outcome.row)
            size = sum(task.size for task in present)
            with batch_progress(quiet, len(present), size) as progress:
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
        failed = {row.result for row in report.rows.values() if row.status == FAILED}
        done = tuple(task for task in tasks if task.result not in failed)
        return Finished(done, len(failed))

    def _plan(self, work: Work[Source]) -> tuple[list[Task], list[Row]]:
        """Make the tasks of the shard, and find the lines of those that may be done already."""
        done = read_done(self.folder) if self.options.resume else {}
        settings = work.settings
        tasks, before = [], []
        for named in self.options.shard.of_list(name_results(self.recordings, self.suffix)):
            task = Task.of(named, self.folder / f"{named.stem}{self.suffix}", settings)
            row = done.get(task.result)
            if row and row.settings == task.settings and row.digest and os.path.exists(task.target):
                task = replace(task, known=row.digest)
                before.append(row)
            tasks.append(task)
        return tasks, before

    def _outcomes(
        self, work: Work[Source], tasks: Sequence[Task], progress: BatchProgress
    ) -> Iterator[Outcome]:
        jobs, cluster = self.options.jobs, self.options.cluster
        if cluster is not None and tasks:
            from diarspk.cli.cluster_work import run_on_cluster

            yield from map(tell, run_on_cluster(work, tasks, jobs, cluster))
        elif jobs > 1 and len(tasks) > 1:
            load = functools.partial(TaskRunner, work)
            for task, outcome in run_in_processes(load, tasks, jobs):
                if isinstance(outcome, WorkerDied):
                    outcome = Outcome(task).fail(f"{task.path}: {outcome.text}")
                yield tell(outcome)
        elif tasks:
            limit_threads()
            run = TaskRunner(work)
            for task in tasks:
                yield tell(run(task, progress.follow(task.named.name)))


@contextmanager
def _told_if_stopped(report: Report, count: int) -> Iterator[None]:
    """Say what is done of ``count`` recordings where Ctrl-C or a signal ends the batch."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        done = sum(row.status == DONE for row in report.rows.values())
        say(f"note: stopped, {done} of {count} recordings are done; --resume goes on with the rest")
        raise


def tell(outcome: Outcome) -> Outcome:
    """Print what is to be said of an outcome, and return it."""
    for message in outcome.messages:
        say(message)
    return outcome
