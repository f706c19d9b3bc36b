"""Messages, errors and progress of the command line, on stderr."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

from diarspk.errors import DiarspkError, DiarspkWarning
from diarspk.formats.names import escape_undecoded

__all__ = [
    "EXPECTED",
    "Failures",
    "ProgressCallback",
    "describe_error",
    "describe_failure",
    "exit_on_error",
    "progress_display",
    "say",
    "warnings_on_one_line",
]

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")

EXPECTED = (DiarspkError, OSError, MemoryError, UnicodeEncodeError)
"""Errors that are told in one line; others are faults of the program, and shown whole."""

ProgressCallback = Callable[[str, float], None]
"""Callable(stage, fraction done in [0, 1])."""


def say(message: str) -> None:
    """Print one line on stderr; what would steer a terminal is escaped."""
    line = escape_undecoded(" ".join(message.split()))
    print(CONTROLS.sub(lambda sign: rf"\x{ord(sign[0]):02x}", line), file=sys.stderr)


@contextmanager
def warnings_on_one_line(tell: Callable[[str], None] | None = None) -> Iterator[None]:
    """Print warnings of this package as one line each, without the location in the source.

    Parameters
    ----------
    tell
        Takes the text of each in place of that.
    """
    tell = tell or (lambda text: say(f"warning: {text}"))
    with warnings.catch_warnings():
        show_others = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, DiarspkWarning):
                tell(str(message))
            else:
                show_others(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        warnings.simplefilter("always", DiarspkWarning)
        yield


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn an error that is not the program's fault into one line and exit status 1."""
    try:
        yield
    except EXPECTED as error:
        say(f"error: {describe_error(error)}")
        raise typer.Exit(1) from error


def describe_error(error: BaseException) -> str:
    """Text of an expected error."""
    if isinstance(error, UnicodeEncodeError):
        name = error.object[max(error.start - 40, 0) : error.end + 40]
        return f"a name must be UTF-8 here, got {escape_undecoded(name)!r}; rename the file"
    if isinstance(error, FileExistsError) and error.filename:  # of Path.mkdir
        return f"{error.filename}: must be a folder, and is a file; choose another output"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    return str(error)


def describe_failure(file: Path, error: BaseException) -> str:
    """Text of an error of a file, which it names; a fault of the program is told as one."""
    text = describe_error(error)
    if not isinstance(error, EXPECTED):
        text = f"{type(error).__name__}: {text}; this is a fault of diarspk, please report it"
    name = "stdin" if file.name == "-" else file.name
    named = escape_undecoded(name) in escape_undecoded(text)
    return text if named else f"{name if name == 'stdin' else file}: {text}"


class Failures:
    """Count of the failed files of a batch; the others are processed nevertheless."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def caught(self, file: Path) -> Iterator[None]:
        """Report an error of ``file`` in one line on stderr and continue."""
        try:
            yield
        except EXPECTED as error:
            self.count += 1
            say(f"error: {describe_failure(file, error)}")

    def exit(self) -> None:
        """Exit with status 1 if any file failed."""
        if self.count:
            raise typer.Exit(1)


@contextmanager
def progress_display(quiet: bool) -> Iterator[Callable[[str], ProgressCallback | None]]:
    """Show a progress bar with the remaining time, on a terminal only.

    Yields
    ------
    follow : callable
        Callable(name of a file) -> progress callback for that file, or None if nothing is shown.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda name: None
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def follow(name: str) -> ProgressCallback:
            current = ""

            def report(stage: str, fraction: float) -> None:
                nonlocal current
                if (
                    stage != current
                ):  # each stage has a pace of its own: its remaining time starts anew
                    progress.reset(task, description=f"{name}: {stage}")
                    current = stage
                progress.update(task, completed=fraction)

            return report

        yield follow
