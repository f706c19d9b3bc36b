"""A bar with the time left, on a terminal and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

__all__ = ["follow"]

Item = TypeVar("Item")


def follow(items: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    """Pass ``items`` on while a bar on stderr tells how far they are; silent in a pipe.

    ``total`` says how many there are where they have no length.
    """
    console = Console(stderr=True)
    return track(
        items,
        description,
        total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
