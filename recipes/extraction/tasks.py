"""Tasks that processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

__all__ = ["map_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    """Call a function on each task, in order, by processes of one thread; 0: by this one."""
    if not workers:
        yield from map(function, tasks)
        return
    # Forking a process that has used torch's threads may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,)) as pool:
        yield from pool.map(function, tasks)
