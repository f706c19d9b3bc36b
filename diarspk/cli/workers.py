"""Processes that do tasks side by side, each with models of its own.

One process does one task at a time and holds one end of a pipe, so that a process which dies (of
too little memory, say) costs the task that it was at, and no other. The pool of
:mod:`concurrent.futures` gives up all tasks then, and does not tell which one was at fault.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from diarspk.cli.process import STOPS, StopRequests
from diarspk.cli.terminal import describe_error
from diarspk.cli.threads import shared_cores
from diarspk.errors import DiarspkError

__all__ = ["WorkerDied", "run_in_processes"]

Task = TypeVar("Task")
Result = TypeVar("Result")

SECONDS_TO_STOP = 20.0
"""Patience with a process that was asked to stop; after that it is killed."""

READY = "ready"
FAILED = "failed"
DONE = "done"


@dataclass(frozen=True)
class WorkerDied:
    """What a task gives whose process died."""

    text: str


def run_in_processes(
    load: Callable[[], Callable[[Task], Result]], tasks: Iterable[Task], jobs: int
) -> Iterator[tuple[Task, Result | WorkerDied]]:
    """Do tasks in ``jobs`` processes, and give what comes of each as soon as it is done.

    Parameters
    ----------
    load
        Called once in each process; what it returns does a task. Both must be picklable, and so
        must tasks and results.
    tasks
        In the order in which they are begun.
    jobs
        Number of processes, which share the cores; see :mod:`diarspk.cli.threads`.

    Raises
    ------
    DiarspkError
        If a process cannot start, or if `load` or what it returns raises an error: it is for errors
        that would befall every task.
    """
    waiting = deque(tasks)
    crew: dict[object, _Worker[Task]] = {}  # by pipe
    try:
        for _ in range(min(jobs, len(waiting))):
            worker = _Worker[Task](load, jobs)
            crew[worker.pipe] = worker
        while crew:
            for ready in wait([worker.pipe for worker in crew.values()]):
                worker = crew[ready]
                kind, content = worker.receive()
                if kind == FAILED:
                    raise DiarspkError(content)
                if worker.task is not None:
                    yield worker.task, content
                worker.task = None
                if kind is None:
                    del crew[ready]
                    worker.stop()
                    if waiting:
                        worker = _Worker[Task](load, jobs)
                        crew[worker.pipe] = worker
                elif waiting:
                    worker.send(waiting.popleft())
                else:
                    del crew[ready]
                    worker.stop()
    finally:
        for worker in crew.values():
            worker.process.terminate()
        for worker in crew.values():
            worker.stop()


class _Worker(Generic[Task]):
    """A process, the pipe to it, and the task that it is at."""

    def __init__(self, load: Callable[[], Any], jobs: int) -> None:
        # Not forked: threads of PyTorch, and locks that they hold, do not survive that.
        context = multiprocessing.get_context("spawn")
        self.pipe, far_end = context.Pipe()
        self.task: Task | None = None
        self.started = False
        self.process: BaseProcess = context.Process(target=_work, args=(far_end, load), daemon=True)
        with _without_interrupts(), shared_cores(jobs):
            self.process.start()
        far_end.close()  # its end is then seen here

    def send(self, task: Task) -> None:
        """Give it a task; one that cannot be given any more is seen when it is waited for."""
        self.task = task
        with contextlib.suppress(BrokenPipeError):
            self.pipe.send(task)

    def receive(self) -> tuple[str | None, Any]:
        """Kind and content of its message; kind None after its death."""
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(SECONDS_TO_STOP)
            text = f"the process that was at it ended ({_describe_exit(self.process.exitcode)})"
            return (None, WorkerDied(text)) if self.started else (FAILED, _not_started(text))
        self.started = True
        return kind, content

    def stop(self) -> None:
        """Close its pipe, which ends it, and wait for that."""
        self.pipe.close()
        self.process.join(SECONDS_TO_STOP)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(pipe: Connection, load: Callable[[], Callable[[Any], Any]]) -> None:
    """Do tasks until no more come; the main program of a process."""
    requests = StopRequests()
    for number in STOPS:
        signal.signal(number, requests)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process decides
    # The pipe ends when the first process has gone, whatever befell it.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            do = load()
            pipe.send((READY, None))
            while True:
                task = pipe.recv()
                pipe.send((DONE, do(task)))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        # Whatever it is, it is told once, by the first process.
        except Exception as error:
            pipe.send((FAILED, describe_error(error)))
        finally:
            for number in STOPS:  # it ends by itself now
                signal.signal(number, signal.SIG_IGN)


def _not_started(text: str) -> str:
    return f"a process of --jobs could not start: {text}; use --jobs 1"


def _describe_exit(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        return f"{name}; not enough memory?" if name == "SIGKILL" else name
    return f"exit status {status}"


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach before they are set up to disregard it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
