"""Parsing of line-based files; every fault is reported with file and line."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from typing import IO, Any, TypeAlias, TypeVar

from diarspk.errors import FormatError

__all__ = ["TextFile", "parse_lines", "parse_seconds", "split_fields"]

TextFile: TypeAlias = "str | PathLike[str] | IO[str] | IO[bytes]"
Record = TypeVar("Record")

COMMENT = ";;"


def parse_lines(file: TextFile, parse: Callable[[str], Record | None]) -> Iterator[Record]:
    """Parse every line that is neither blank nor a ``;;`` comment.

    Parameters
    ----------
    file : path or file object
        UTF-8, with or without byte order mark, any line ends.
    parse : callable
        Takes a line; returns None to skip it, and raises ValueError with the fault's text.

    Raises
    ------
    FormatError
        With file and line, on the first line that cannot be read; or if there is no such file.
    """
    name = _name(file)
    with _opened(file, name) as stream:
        for number, raw in enumerate(stream, 1):
            try:
                line = raw.decode() if isinstance(raw, bytes) else raw
                line = line.strip("\ufeff \t\r\n")
                record = parse(line) if line and not line.startswith(COMMENT) else None
            except UnicodeDecodeError:
                raise FormatError("not UTF-8 text; convert the file", name, number) from None
            except ValueError as fault:
                raise FormatError(str(fault), name, number) from None
            if record is not None:
                yield record


def split_fields(line: str, counts: range) -> list[str]:
    """Split at tabs if that gives one of ``counts`` fields, else at spaces and tabs.

    Tabs let names hold spaces. Other Unicode spaces never separate.
    """
    fields = [field.strip(" ") for field in line.split("\t")]
    if len(fields) in counts and all(fields):
        return fields
    return re.split("[ \t]+", line)


def parse_seconds(text: str, what: str) -> float:
    """Read a time that is finite and not negative; ValueError names ``what`` it is."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{what} must be a number of seconds, 0 or more, got {text!r}")
    return seconds


def _opened(file: TextFile, name: str) -> AbstractContextManager[IO[Any]]:
    if not isinstance(file, str | PathLike):
        return nullcontext(file)
    try:
        return open(file, "rb")
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None


def _name(file: TextFile) -> str:
    if isinstance(file, str | PathLike):
        return os.fsdecode(file)
    return str(getattr(file, "name", "<stream>"))
