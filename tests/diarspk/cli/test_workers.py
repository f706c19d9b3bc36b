"""Processes that do tasks side by side, and die."""

from __future__ import annotations

import os

import pytest

from diarspk.cli.threads import VARIABLES, limit_threads
from diarspk.cli.workers import WorkerDied, run_in_processes
from diarspk.errors import DiarspkError
from tests.diarspk.cli.worker_tasks import exit_early, load_nothing, load_square, load_threads


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_dies_costs_its_task_alone() -> None:
    found = dict(run_in_processes(load_square, [1, 13, 2, 3, 13, 4], 2))
    assert found.keys() == {1, 2, 3, 4, 13}
    assert [found[number] for number in (1, 2, 3, 4)] == [1, 4, 9, 16]
    died = found[13]
    assert isinstance(died, WorkerDied)
    assert died.text == "the process that was at it ended (SIGKILL; not enough memory?)"


def test_an_error_that_would_befall_all_is_raised() -> None:
    with pytest.raises(DiarspkError, match=r"^no such model$"):
        list(run_in_processes(load_nothing, [1, 2, 3], 2))
    with pytest.raises(DiarspkError, match=r"^-1 is negative$"):
        list(run_in_processes(load_square, [-1, 2], 2))
    with pytest.raises(DiarspkError, match=r"could not start: .* \(exit status 3\); use --jobs 1"):
        list(run_in_processes(exit_early, [1], 1))


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for jobs, share in ((1, "8"), (2, "4"), (3, "2"), (20, "1")):
        for found in dict(run_in_processes(load_threads, [1], jobs)).values():
            assert found == [share] * 3
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # the caller says how many
    monkeypatch.setenv("MKL_NUM_THREADS", "5")
    assert list(run_in_processes(load_threads, [1], 2)) == [(1, ["3", "3", "5"])]
    assert [os.environ.get(name) for name in VARIABLES] == ["3", None, "5"]


def test_one_process_takes_no_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    monkeypatch.setattr("torch.get_num_threads", lambda: 16)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    limit_threads()
    assert asked == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    limit_threads()
    assert asked == [2]
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    limit_threads()
    assert asked == [2]


def test_no_process_outlives_whoever_waits_for_it() -> None:
    running = run_in_processes(load_square, range(1, 100), 2)
    next(running)
    processes = [worker.process for worker in running.gi_frame.f_locals["crew"].values()]
    assert len(processes) == 2
    running.close()
    assert not any(process.is_alive() for process in processes)
