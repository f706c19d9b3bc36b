"""Logs as files: JSON lines that hold everything, so that nothing else is needed to go on.

The first line says what it is; then come the turns before all operations, the operations that were
done, and those that were undone, one a line::

    {"format": "diarspk-edits", "version": 1, "uri": "meeting", "duration": 30.0, "turns": 2, ...}
    {"number": 0, "start": 0.52, "end": 4.2, "speaker": "SPEAKER_00", "confidence": 0.98}
    {"number": 1, "start": 4.2, "end": 9.75, "speaker": "SPEAKER_01", "confidence": 0.61}
    {"op": "rename", "names": {"SPEAKER_00": "Alice"}}
    {"op": "reassign", "turns": [1], "speaker": "Alice"}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from reprlib import repr as brief
from typing import Any, NoReturn

from diarspk.arguments import check_path
from diarspk.atomic import atomic_path
from diarspk.editing.log import EditLog
from diarspk.editing.operation import Operation
from diarspk.editing.operation_json import operation_from_json
from diarspk.editing.turn import EditableTurn
from diarspk.editing.turns import EditableTurns
from diarspk.errors import ArgumentError, FormatError

__all__ = ["load_log", "save_log"]

FORMAT = "diarspk-edits"
VERSION = 1


def save_log(log: EditLog, path: str | PathLike[str], *, uri: str | None = None) -> None:
    """Save a log; the file is replaced whole or not at all.

    Raises
    ------
    FormatError
        If the file cannot be written.
    """
    path = check_path(path, "path")
    try:
        with (
            atomic_path(path, durable=True) as part,
            part.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            for document in _documents(log, uri):
                stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror}); check it", str(path)) from None


def load_log(path: str | PathLike[str]) -> tuple[EditLog, str | None]:
    """Load a log, and the name of its recording.

    Raises
    ------
    FormatError
        If the file cannot be read, is cut off or of a later version, or a line is wrong; with the
        line.
    """
    reader = _Reader(str(check_path(path, "path")))
    header = reader.header()
    turns = [reader.turn() for _ in range(header["turns"])]
    try:
        base = EditableTurns.of(turns, header.get("duration"))
    except ArgumentError as error:
        reader.fail(str(error), 1)
    log = EditLog.of(base)
    for _ in range(header["done"]):
        operation = reader.operation()
        try:
            log = log.do(operation)
        except ArgumentError as error:
            reader.fail(str(error))
    undone = tuple(reader.operation() for _ in range(header["undone"]))
    reader.finish()
    return EditLog(log.base, log.turns, log.steps, undone), header.get("uri")


def _documents(log: EditLog, uri: str | None) -> Iterator[dict[str, Any]]:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "uri": uri,
        "duration": log.base.duration,
        "turns": len(log.base),
        "done": len(log.done),
        "undone": len(log.undone),
    }
    yield {name: value for name, value in header.items() if value is not None}
    for turn in log.base.listed:
        yield turn.to_json()
    for operation in (*log.done, *log.undone):
        yield operation.to_json()


class _Reader:
    """Reads line after line; an error says which one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self.lines = iter(self._read())

    def fail(self, fault: str, number: int | None = None) -> NoReturn:
        """Refuse the file for a line, by default the last one read."""
        raise FormatError(fault, self.name, self.number if number is None else number) from None

    def header(self) -> Mapping[str, Any]:
        """Read the first line."""
        header = self._document()
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            self.fail(f"is no log of edits; the first line must have format {FORMAT!r}")
        version = header.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self.fail(f"`version` must be a whole number from 1, got {brief(version)}")
        if version > VERSION:
            self.fail(f"is of version {version}, which a later diarspk wrote; update diarspk")
        for name in ("turns", "done", "undone"):
            if not _is_count(header.get(name)):
                self.fail(f"`{name}` must be a number of lines, got {brief(header.get(name))}")
        if not isinstance(header.get("uri"), str | None):
            self.fail(f"`uri` must be the name of a recording, got {brief(header['uri'])}")
        return header

    def turn(self) -> EditableTurn:
        """Read a turn."""
        try:
            return EditableTurn.from_json(self._document())
        except ArgumentError as error:
            self.fail(str(error))

    def operation(self) -> Operation:
        """Read an operation."""
        try:
            return operation_from_json(self._document())
        except ArgumentError as error:
            self.fail(str(error))

    def finish(self) -> None:
        """Refuse what follows."""
        for line in self.lines:
            self.number += 1
            if line.strip():
                self.fail("there are more lines than the first one says; was the file edited?")

    def _document(self) -> Any:
        line = next(self.lines, None)
        if line is None:
            self.fail("is cut off: there are fewer lines than the first one says")
        self.number += 1
        try:
            return json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            self.fail("is no JSON; is the file damaged?")

    def _read(self) -> list[str]:
        try:
            with open(self.name, encoding="utf-8-sig") as stream:
                return stream.read().removesuffix("\n").split("\n")
        except FileNotFoundError:
            raise FormatError("no such file; check the path", self.name) from None
        except OSError as error:
            raise FormatError(f"cannot be opened ({error.strerror}); check it", self.name) from None
        except UnicodeDecodeError:
            raise FormatError("not UTF-8 text; convert the file", self.name) from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)
