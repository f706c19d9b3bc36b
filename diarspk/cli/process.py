"""The process of a command: standard streams that may end, and signals that ask it to."""

from __future__ import annotations

import codecs
import io
import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

from diarspk.cli.terminal import say

__all__ = ["STOPS", "StopRequests", "prepared_process", "print_bytes"]

STOPS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Requests to stop besides Ctrl-C, which Python raises itself; Windows has the last alone."""

BROKEN_PIPE = 141
"""Exit status of a program whose reader has gone, as a shell tells it of others (SIGPIPE)."""

ESCAPES = "diarspk.escapes"
"""Name of the error handler of stdout."""


@contextmanager
def prepared_process() -> Iterator[None]:
    """Let a command end in one line and with an exit status, whatever befalls its process.

    - stdout that takes no more (a full disk, a closed descriptor) is an error with exit status 1. A
      reader that has read enough (``| head``) ends the command without a word, with status 141.
      Messages that stderr does not take are lost, and nothing else is.
    - stdin that was closed is empty.
    - SIGTERM and SIGHUP end it with status 128 + signal as Ctrl-C does with 130: what is half
      written is removed.
    - stdout is UTF-8 unless it is a terminal of another encoding, as the files are. File names pass
      through it as they are, and signs that it lacks are escaped.
    """
    codecs.register_error(ESCAPES, _escape)
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    sys.stderr, sys.stdout = _own_messages(), _own_output()
    before = {number: signal.getsignal(number) for number in STOPS}
    requests = StopRequests()
    try:
        for number, handler in before.items():
            if handler == signal.SIG_DFL:  # under nohup, SIGHUP stays ignored
                signal.signal(number, requests)
        yield
    except _Stopped as stopped:
        say(f"error: stopped by {signal.Signals(stopped.number).name}")
        raise
    finally:
        for number, handler in before.items():
            # A second request in the last moment would replace the exit status.
            signal.signal(number, signal.SIG_IGN if requests.stopped else handler)
        sys.stdout.flush()


class _Stopped(SystemExit):
    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class StopRequests:
    """Handler of signals that raises: files are removed and locks given back on the way out."""

    def __init__(self) -> None:
        self.last = -math.inf

    @property
    def stopped(self) -> bool:
        """Whether there was one."""
        return self.last > -math.inf

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise a SystemExit of status 128 + signal."""
        # Some senders signal a process and then its group, which must not stop the clean-up.
        again = time.monotonic() - self.last < 1.0
        self.last = time.monotonic()
        if not again:
            raise _Stopped(number)


class _Stream(io.TextIOWrapper):
    """Text stream of this process that may fail once, and is silent from then on."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self.silence(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.silence(error)

    def silence(self, error: OSError) -> None:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self.fileno())  # what waits in buffers would fail again


class _Output(_Stream):
    """stdout, whose failure ends the command."""

    def silence(self, error: OSError) -> None:
        super().silence(error)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(BROKEN_PIPE) from None
        say(f"error: stdout: {error.strerror}")
        raise SystemExit(1) from None


def print_bytes(data: bytes) -> None:
    """Write bytes to stdout at once; that it takes no more ends the command as with text."""
    stdout: Any = sys.stdout
    try:
        stdout.buffer.write(data)
        stdout.buffer.flush()
    except OSError as error:
        if isinstance(stdout, _Output):
            stdout.silence(error)
        raise


def _own_output() -> TextIO:
    if sys.stdout is None:
        # Whatever is opened next would get its descriptor: take it, and fail when it is written to.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
        return _Output(os.fdopen(1, "wb"), encoding="utf-8", errors=ESCAPES)
    if sys.stdout is not sys.__stdout__ or not isinstance(sys.stdout, io.TextIOWrapper):
        return sys.stdout  # a caller put it there
    terminal = sys.stdout.isatty()
    encoding = sys.stdout.encoding if terminal else "utf-8"
    buffer = sys.stdout.detach()
    return _Output(buffer, encoding=encoding, errors=ESCAPES, line_buffering=terminal)


def _own_messages() -> TextIO:
    if sys.stderr is None:
        return open(os.devnull, "w", encoding="utf-8")
    if sys.stderr is not sys.__stderr__ or not isinstance(sys.stderr, io.TextIOWrapper):
        return sys.stderr
    encoding, errors = sys.stderr.encoding, sys.stderr.errors
    return _Stream(sys.stderr.detach(), encoding=encoding, errors=errors, line_buffering=True)


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    """Bytes for signs that the encoding lacks: those of a file name as they were."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    pieces = (
        sign.encode("ascii", "surrogateescape")
        if "\udc80" <= sign <= "\udcff"
        else sign.encode("ascii", "backslashreplace")
        for sign in signs
    )
    return b"".join(pieces), error.end
