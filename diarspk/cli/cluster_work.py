"""Tasks of a batch on a Ray cluster, whose workers reach the same files."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterator, Sequence
from typing import Any, Generic

from diarspk.cli.batch_task import Outcome, Source, Task, TaskRunner, Work
from diarspk.cli.terminal import describe_error
from diarspk.cli.threads import count_cores
from diarspk.errors import DiarspkError

__all__ = ["run_on_cluster"]


def run_on_cluster(
    work: Work[Source], tasks: Sequence[Task], workers: int, address: str
) -> Iterator[Outcome]:
    """Do tasks on workers of a cluster, and give what comes of each as soon as it is done.

    Raises
    ------
    DiarspkError
        If there is no cluster, or the models cannot be loaded.
    """
    from diarspk.cluster import LOCAL, Workers, map_rows

    cores = max(count_cores() // workers, 1) if address == LOCAL else 1
    crew = Workers(workers, cores, address=address)
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    done = map_rows(rows, functools.partial(_Runner, work), crew)
    for row in done.iter_rows():
        if row["failure"]:
            raise DiarspkError(row["failure"])
        yield pickle.loads(row["outcome"])  # of our own worker


class _Runner(Generic[Source]):
    """Does a task that comes as bytes, on a worker."""

    def __init__(self, work: Work[Source]) -> None:
        self.run = TaskRunner(work)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do the task; an error that befalls all tasks is told as a failure."""
        try:
            outcome = self.run(pickle.loads(row["task"]))
        except DiarspkError as error:
            return {"outcome": b"", "failure": describe_error(error)}
        return {"outcome": pickle.dumps(outcome), "failure": ""}
