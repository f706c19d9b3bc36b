"""Tasks for processes, in a module that is imported quickly."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from diarspk.cli.threads import VARIABLES
from diarspk.errors import ModelError


def square(number: int) -> int:
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ModelError(f"{number} is negative")
    return number * number


def load_square() -> Callable[[int], int]:
    return square


def load_nothing() -> Callable[[int], int]:
    raise ModelError("no such model")


def exit_early() -> Callable[[int], int]:
    os._exit(3)


def threads(number: int) -> list[str | None]:
    return [os.environ.get(name) for name in VARIABLES]


def load_threads() -> Callable[[int], list[str | None]]:
    return threads
