"""Processes that are forked after a model was loaded."""

from __future__ import annotations

import os
from functools import cache

__all__ = ["survive_forks"]


@cache
def survive_forks() -> None:
    """Make every process that is forked from now on compute on one thread.

    A fork copies the calling thread alone. PyTorch's other threads do not exist in the child, but
    OpenMP counts on them, and the first large product would wait for them for ever. With one thread
    nothing is waited for. Whatever loads a model calls this; it acts once for each process.
    """
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)
