"""Parsing of line-based files; every fault is reported with file and line."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO, Any, TypeAlias, TypeVar, cast

from diarspk.arguments import check_path
from diarspk.errors import ArgumentError, FormatError

__all__ = [
    "COMMENTS",
    "TextFile",
    "content",
    "numbered_lines",
    "parse_lines",
    "parse_seconds",
    "split_fields",
]

TextFile: TypeAlias = "str | PathLike[str] | IO[str] | IO[bytes]"
Record = TypeVar("Record")

COMMENTS = (";", "#")
"""How a comment begins in RTTM and UEM, as md-eval has it."""
MAX_LINE = 1 << 16
"""Characters of the longest line; longer ones are not of a text with a record on each line."""
MAX_SECONDS = 1e12
"""Times from here on are in another unit; float64 tells thousandths of a second up to here."""
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
NOT_UTF8 = "not UTF-8 text; convert the file"
NOT_TEXT = "not text with a record on each line; give an annotation file"


def parse_lines(
    file: TextFile,
    parse: Callable[[str], Record | None],
    *,
    comments: tuple[str, ...] = (";;",),
) -> Iterator[Record]:
    """Parse every line that is neither blank nor a comment.

    Parameters
    ----------
    file : path or file object
        UTF-8, with or without byte order mark, any line ends. It is opened and read once, so that
        a pipe serves as well.
    parse : callable
        Takes a line; returns None to skip it, and raises ValueError with the fault's text.
    comments : tuple of str
        How a comment begins.

    Raises
    ------
    FormatError
        With file and line, on the first line that cannot be read; or if there is no such file.
    """
    name = _name(file)
    for number, line in numbered_lines(file):
        try:
            text = content(line, comments)
            record = parse(text) if text else None
        except ValueError as fault:
            raise FormatError(str(fault), name, number) from None
        if record is not None:
            yield record


def numbered_lines(file: TextFile) -> Iterator[tuple[int, str]]:
    """Read every line with its end and its number, from 1.

    Bytes that are not UTF-8 are lone surrogates, as in :func:`os.fsdecode`.

    Raises
    ------
    FormatError
        Without a line if the file cannot be opened or read; with a line if that is not of a text.
    """
    name = _name(file)
    try:
        with _opened(file, name) as stream:
            for number, line in enumerate(_lines(stream), 1):
                if "\0" in line or len(line) > MAX_LINE:
                    raise FormatError(NOT_TEXT, name, number)
                yield number, line
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror}); check it", name) from None
    except UnicodeDecodeError:
        raise FormatError(f"{NOT_UTF8}; or open it in binary mode", name) from None


def content(line: str, comments: tuple[str, ...]) -> str:
    """Line without the space around it; empty if it is a comment.

    Raises
    ------
    ValueError
        If the line is not UTF-8.
    """
    text = line.strip("\ufeff \t\r\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(NOT_UTF8) from None
    return "" if text.startswith(comments) else text


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
    seconds = float(text) if NUMBER.fullmatch(text) else math.nan
    if not seconds >= 0:
        raise ValueError(f"{what} must be a number of seconds, 0 or more, got {text[:40]!r}")
    if seconds >= MAX_SECONDS:
        raise ValueError(
            f"{what} must be a number of seconds, less than {MAX_SECONDS:g}, got {text[:40]!r}; "
            "divide milliseconds by 1000"
        )
    return seconds


@contextmanager
def _opened(file: TextFile, name: str) -> Iterator[IO[str]]:
    """Stream of text; a file object of the caller stays open."""
    decoded: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
    if not isinstance(file, str | PathLike):
        if not hasattr(file, "read"):
            raise ArgumentError(f"`file` must be a path or a file object, got {file!r:.60}")
        if isinstance(file.read(0), str):
            yield cast("IO[str]", file)
            return
        wrapped = io.TextIOWrapper(cast("IO[bytes]", file), **decoded)
        try:
            yield wrapped
        finally:
            wrapped.detach()
        return
    with _open(file, name, **decoded) as stream:
        yield stream


def _open(file: str | PathLike[str], name: str, **decoded: Any) -> IO[str]:
    try:
        return open(check_path(file, "file"), **decoded)
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None


def _lines(stream: IO[str]) -> Iterator[str]:
    r"""Lines with their ends, ``\n``, ``\r`` or ``\r\n``; much too long ones come in parts."""
    rest = ""
    while piece := stream.readline(MAX_LINE + 1):
        # A caller's stream of text may end its lines at line feeds only, so that many lines which
        # end in a carriage return are one piece, or several.
        *lines, rest = re.split(r"(?<=\r)(?!\n|\Z)", rest + piece)
        yield from lines
        if rest.endswith("\n") or len(rest) > MAX_LINE:
            yield rest
            rest = ""
    if rest:
        yield rest


def _name(file: TextFile) -> str:
    if isinstance(file, str | PathLike):
        return os.fsdecode(file)
    return str(getattr(file, "name", "<stream>"))
