"""Shares of numbered batches: among processes, and from where a training goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

import torch

from recipes.training.trainer import steps_done

__all__ = ["EVERYTHING", "Share", "share_of_process"]


@dataclass(frozen=True)
class Share:
    """Every ``step``-th number from ``first`` on, up to but without ``last``."""

    first: int = 0
    step: int = 1
    last: int | None = None

    def __iter__(self) -> Iterator[int]:
        numbers = count(self.first, self.step)
        return takewhile(lambda number: self.last is None or number < self.last, numbers)

    def thinned(self, every: int) -> Share:
        """Return the numbers of every ``every``-th step, counted from the first of all."""
        ahead = -(self.first // self.step) % every
        return Share(self.first + ahead * self.step, self.step * every, self.last)


EVERYTHING = Share()


def share_of_process(devices: int, resume: Path | None) -> Share:
    """Share of this process, one of ``devices`` that train together, each on its own threads.

    Parameters
    ----------
    devices
        Processes, or accelerators.
    resume
        Checkpoint that training goes on from: a batch was drawn for each of its steps.
    """
    if devices > 1 and not torch.cuda.is_available():
        torch.set_num_threads(max(torch.get_num_threads() // devices, 1))
    done = 0 if resume is None else steps_done(resume)
    # Lightning starts the other processes with this in their environment.
    rank = int(os.environ.get("LOCAL_RANK", 0))
    return Share(first=done * devices + rank, step=devices)
