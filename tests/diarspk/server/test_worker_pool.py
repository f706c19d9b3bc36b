"""The threads that compute, and their queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from diarspk.server.work_control import WorkCancelled, WorkControl, WorkTimedOut
from diarspk.server.worker_pool import PoolStopped, QueueFull, WorkerPool


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    one = WorkerPool(1, 2)
    one.start()
    yield one
    assert one.stop(5.0)


def hold(pool: WorkerPool) -> threading.Event:
    """Keep the one worker busy until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    def work(control: WorkControl) -> None:
        begun.set()
        while not go_on.wait(0.005):
            control.check()

    pool.submit(work, WorkControl())
    assert begun.wait(5)
    return go_on


def test_requests_and_jobs_are_done_in_the_order_in_which_they_came(pool: WorkerPool) -> None:
    go_on, order = hold(pool), []
    pool.submit(lambda control: order.append("request 1"), WorkControl())
    pool.submit_job(lambda control: order.append("job 1"), 10.0)
    last = pool.submit(lambda control: order.append("request 2"), WorkControl())
    assert (pool.running, pool.waiting) == (1, 3)
    go_on.set()
    last.result(5)
    assert order == ["request 1", "job 1", "request 2"]


def test_jobs_take_no_room_from_requests_and_a_full_queue_refuses(pool: WorkerPool) -> None:
    go_on = hold(pool)
    for _ in range(5):
        pool.submit_job(lambda control: None, 10.0)
    waiting = [pool.submit(lambda control: 7, WorkControl()) for _ in range(2)]
    for refused in (pool.check_room, lambda: pool.submit(lambda control: 8, WorkControl())):
        with pytest.raises(QueueFull, match="try again in") as full:
            refused()
        assert 1 <= full.value.retry_after_s <= 600
    assert waiting[1].cancel()
    pool.check_room()  # a client that left has no place in the queue
    go_on.set()
    assert waiting[0].result(5) == 7
    with pytest.raises(CancelledError):
        waiting[1].result(5)


def test_what_was_cancelled_while_it_waited_is_not_begun(pool: WorkerPool) -> None:
    go_on, control = hold(pool), WorkControl()
    begun = []
    future = pool.submit(lambda control: begun.append(1), control)
    control.cancel()
    go_on.set()
    with pytest.raises(WorkCancelled):
        future.result(5)
    assert begun == []


def test_an_error_is_its_requests_own(pool: WorkerPool) -> None:
    def fails(control: WorkControl) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool.submit(fails, WorkControl()).result(5)
    assert pool.submit(lambda control: 1, WorkControl()).result(5) == 1


def test_a_job_has_its_time_from_its_beginning(pool: WorkerPool) -> None:
    go_on, ended = hold(pool), threading.Event()
    outcome = []

    def job(control: WorkControl) -> None:
        try:
            control.check()
            time.sleep(0.1)
            control.progress("stage", 0.5)
        except WorkTimedOut as error:
            outcome.append(str(error))
        ended.set()

    pool.submit_job(job, 0.05)
    time.sleep(0.1)
    go_on.set()
    assert ended.wait(5)
    assert outcome == ["it took longer than the 0.05 s that are allowed"]


def test_a_pool_that_stops_ends_requests_drops_jobs_and_takes_nothing() -> None:
    pool = WorkerPool(1, 5)
    pool.start()
    go_on, done = hold(pool), []
    request = pool.submit(lambda control: done.append("request"), WorkControl())
    pool.submit_job(lambda control: done.append("job"), 10.0)
    pool.stop_jobs()
    with pytest.raises(PoolStopped):
        pool.submit(lambda control: None, WorkControl())
    go_on.set()
    assert pool.stop(5.0)
    assert request.done()
    assert done == ["request"]


def test_what_outlasts_the_grace_is_stopped() -> None:
    pool = WorkerPool(1, 5)
    pool.start()
    hold(pool)
    waiting = pool.submit(lambda control: None, WorkControl())
    assert pool.stop(0.05)
    with pytest.raises(PoolStopped):
        waiting.result(5)
