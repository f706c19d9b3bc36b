"""Threads that compute, in front of a queue of bounded length.

The models are re-entrant and PyTorch computes without Python's lock, so threads share one set of
them. Work is done in the order in which it came, requests and jobs alike; a request that finds no
room is refused at once, since its client can wait better than the server.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from diarspk.server.thread_warnings import collected_warnings
from diarspk.server.work_control import WorkControl

__all__ = ["PoolStopped", "QueueFull", "WorkerPool"]

Result = TypeVar("Result")

FIRST_GUESS_S = 5.0
"""Seconds of a piece of work, until some were measured."""
MAX_WAIT_S = 600.0


class QueueFull(Exception):
    """No room in the queue.

    Attributes
    ----------
    retry_after_s : int
        Seconds after which there is probably room.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"the server is busy; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class PoolStopped(Exception):
    """The server stops, and begins nothing new."""


@dataclass
class _Item:
    work: Callable[[WorkControl], Any]
    control: WorkControl | None
    """None: made when the work begins, with ``seconds`` left."""
    seconds: float | None
    durable: bool
    """A job, which the store remembers; it may be dropped here."""
    future: Future[Any] = field(default_factory=Future)


class WorkerPool:
    """Pool of threads.

    Parameters
    ----------
    workers
        Number of threads.
    max_waiting
        Requests that wait; jobs do not count, their store bounds them.
    """

    def __init__(self, workers: int, max_waiting: int) -> None:
        self.workers, self.max_waiting = workers, max_waiting
        self._queue: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._running: set[WorkControl] = set()
        self._stopping = False
        self._mean_s = FIRST_GUESS_S
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of requests and jobs that wait."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Number of requests and jobs that are computed."""
        return len(self._running)

    @property
    def stopping(self) -> bool:
        """Whether it takes nothing more."""
        return self._stopping

    def check_room(self) -> None:
        """Refuse a request before its bytes are read.

        Raises
        ------
        QueueFull, PoolStopped
        """
        with self._changed:
            self._check_room()

    def submit(self, work: Callable[[WorkControl], Result], control: WorkControl) -> Future[Result]:
        """Queue a request; it is checked for cancellation before it begins.

        Raises
        ------
        QueueFull, PoolStopped
        """
        with self._changed:
            self._check_room()
            return self._append(_Item(work, control, None, durable=False))

    def submit_job(self, work: Callable[[WorkControl], None], seconds: float) -> None:
        """Queue a job, which has ``seconds`` from its beginning; dropped where the pool stops."""
        with self._changed:
            if not self._stopping:
                self._append(_Item(work, None, seconds, durable=True))

    def retry_after_s(self) -> int:
        """Estimate the seconds until something that is queued now would begin."""
        seconds = self._mean_s * (len(self._queue) + 1) / self.workers
        return math.ceil(min(max(seconds, 1.0), MAX_WAIT_S))

    def stop_jobs(self) -> None:
        """Drop jobs that wait, and take nothing more; what runs goes on."""
        with self._changed:
            self._stopping = True
            self._queue = deque(item for item in self._queue if not item.durable)
            self._changed.notify_all()

    def stop(self, grace_s: float) -> bool:
        """Wait for what runs, then ask it to stop.

        Returns
        -------
        bool
            Whether all threads have ended.
        """
        self.stop_jobs()
        deadline = time.monotonic() + grace_s
        if not self._join(deadline):
            with self._changed:
                for item in self._queue:
                    if item.future.set_running_or_notify_cancel():
                        item.future.set_exception(PoolStopped("the server stops"))
                self._queue.clear()
                for control in self._running:
                    control.cancel()
            return self._join(time.monotonic() + 10.0)
        return True

    def _join(self, deadline: float) -> bool:
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(deadline - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _check_room(self) -> None:
        if self._stopping:
            raise PoolStopped("the server stops")
        idle = self.workers - len(self._running)
        requests = sum(not (item.durable or item.future.done()) for item in self._queue)
        if requests >= self.max_waiting + max(idle, 0):
            raise QueueFull(self.retry_after_s())

    def _append(self, item: _Item) -> Future[Any]:
        self._queue.append(item)
        self._changed.notify()
        return item.future

    def _take(self) -> tuple[_Item, WorkControl] | None:
        """Next piece of work; None when the pool stops."""
        with self._changed:
            while not self._queue:
                if self._stopping:
                    return None
                self._changed.wait()
            item = self._queue.popleft()
            control = item.control or WorkControl(item.seconds)
            self._running.add(control)
            return item, control

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            item, control = taken
            began = time.monotonic()
            try:
                self._do(item, control)
            finally:
                with self._changed:
                    self._running.discard(control)
                    if not control.cancelled:
                        spent = time.monotonic() - began
                        self._mean_s += 0.2 * (spent - self._mean_s)

    def _do(self, item: _Item, control: WorkControl) -> None:
        if not item.future.set_running_or_notify_cancel():
            return
        try:
            control.check()
            with collected_warnings(control.notes):
                result = item.work(control)
        except BaseException as error:  # whoever waits for the result decides
            item.future.set_exception(error)
        else:
            item.future.set_result(result)
