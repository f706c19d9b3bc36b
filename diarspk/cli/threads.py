"""Threads of processes that share the cores of a machine.

The cores are those that this program may use: by its affinity (Slurm) and by the quota of its
control group (Docker, Kubernetes, AWS Batch), which PyTorch and the linear algebra of NumPy do not
know. ``OMP_NUM_THREADS`` is taken as the caller's word, for each process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from diarspk.cli.start_up import quick_imports

__all__ = ["count_cores", "limit_threads", "share_threads", "shared_cores"]

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What OpenMP (PyTorch), OpenBLAS (NumPy, SciPy) and MKL read when they are loaded."""


def limit_threads() -> None:
    """Let this process compute on no more threads than there are cores for it."""
    if os.environ.get(VARIABLES[0]):
        return
    with quick_imports():
        import torch

    cores = count_cores()
    if cores < torch.get_num_threads():
        torch.set_num_threads(cores)


def share_threads(workers: int) -> None:
    """Let each of ``workers`` threads of this process compute on its share of the cores."""
    if os.environ.get(VARIABLES[0]):
        return
    with quick_imports():
        import torch

    torch.set_num_threads(max(count_cores() // workers, 1))


@contextmanager
def shared_cores(jobs: int) -> Iterator[None]:
    """Let each process that is started meanwhile compute on its share of the cores."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    share = before[VARIABLES[0]] or str(max(count_cores() // jobs, 1))
    try:
        for name, value in before.items():
            os.environ[name] = value or share
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def count_cores() -> int:
    """Count the cores that this program may use."""
    from joblib import cpu_count

    return int(cpu_count())
