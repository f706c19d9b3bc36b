"""Report of a batch: a line for each recording, which also tells a later run what is done."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from diarspk.atomic import atomic_path, naming_write_errors
from diarspk.cli.result_names import REPORT
from diarspk.formats.names import escape_undecoded

__all__ = ["DONE", "FAILED", "Report", "Row", "read_done"]

DONE = "done"
FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """What came of a recording; its fields are the columns of the report.

    Attributes
    ----------
    result : str
        Name of the file or folder beside the report.
    recording : str
        Path as it was given.
    status : str
        "done" or "failed".
    duration_s : str
        Seconds of the recording; empty where it failed, or nobody knows.
    time_s : str
        Seconds that it took.
    speakers : str
        Number of speakers; empty likewise.
    warnings, error : str
        What was told, warnings joined by " | ".
    digest : str
        SHA-256 of the recording's file and of those that go with it; empty for a pipe.
    settings : str
        Digest of everything else that the result depends on.
    """

    result: str
    recording: str
    status: str
    duration_s: str = ""
    time_s: str = ""
    speakers: str = ""
    warnings: str = ""
    error: str = ""
    digest: str = ""
    settings: str = ""


COLUMNS = [field.name for field in fields(Row)]


class Report:
    """CSV file of a batch that grows by a line for each recording.

    While it grows its lines are in the order in which recordings were done; :meth:`finish` writes
    them in the order of the list.

    Parameters
    ----------
    path : Path
        What is there is replaced as soon as there is something to tell.
    rows
        Rows of recordings that need not be done again.

    Raises
    ------
    OSError
        Here and in all methods, if it cannot be written.
    """

    def __init__(self, path: Path, rows: Iterable[Row]) -> None:
        self.path = path
        self.rows = {row.result: row for row in rows}
        self.added = 0

    def add(self, row: Row) -> None:
        """Add the line of a recording; it is whole, or not there."""
        if not self.added:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(self.rows.values())
        self.rows[row.result] = row
        self.added += 1
        line = _lines([row])
        with (
            naming_write_errors(self.path, self.path),
            self.path.open("ab", buffering=0) as file,
        ):
            size = file.tell()
            if (file.write(line) or 0) < len(line):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self, results: Sequence[str]) -> None:
        """Sort the lines in the order of ``results``."""
        if self.rows:
            self._write(self.rows[name] for name in results if name in self.rows)

    def _write(self, rows: Iterable[Row]) -> None:
        with atomic_path(self.path) as part:
            part.write_bytes(_lines([COLUMNS, *rows]))


def read_done(folder: Path) -> dict[str, Row]:
    """Read what the reports in a folder tell to be done, by result.

    A last line that was not written to its end, and files that are no reports, are left out.
    """
    found: dict[str, Row] = {}
    reports = [file for file in folder.glob("*.csv") if REPORT.fullmatch(file.name)]
    for file in sorted(reports, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        text = file.read_text(encoding="utf-8", errors="replace")
        lines = csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))
        with suppress(csv.Error):
            if next(lines, None) == COLUMNS:
                rows = [Row(*cells) for cells in lines if len(cells) == len(COLUMNS)]
                found.update((row.result, row) for row in rows)
    return {name: row for name, row in found.items() if row.status == DONE}


def _lines(rows: Iterable[Row | list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        cells = row if isinstance(row, list) else asdict(row).values()
        writer.writerow([" ".join(escape_undecoded(str(cell)).split("\n")) for cell in cells])
    return text.getvalue().encode()
