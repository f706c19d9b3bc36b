"""One recording of a batch: from its file to its result and its line in the report."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from diarspk.checkpoints.digest import digest_file
from diarspk.cli.recordings import STDIN, Reader
from diarspk.cli.report import DONE, FAILED, Row
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.terminal import ProgressCallback, describe_failure, warnings_on_one_line
from diarspk.formats.names import escape_undecoded

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["Outcome", "Process", "Summary", "Task", "TaskRunner", "Work"]


@dataclass(frozen=True)
class Summary:
    """What the report tells of a result: seconds of the recording, and how many speakers."""

    duration_s: float
    speakers: int


Process: TypeAlias = "Callable[[AudioStream, Path, ProgressCallback | None], Summary]"
"""Callable(recording, file to write, progress) that makes one result."""


class Work(Protocol):
    """What is done with each recording; it can be sent to another process."""

    @property
    def reader(self) -> Reader:
        """How recordings are opened."""

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the recordings."""

    def load(self) -> Process:
        """Load the models."""


@dataclass(frozen=True)
class Task:
    """A recording to do.

    Attributes
    ----------
    named : NamedRecording
    target : Path
        File of the result.
    settings : str
        Digest of all that the result depends on, besides the content of the recording.
    known : str
        Digest of the recording of which the result is there already; may be empty.
    """

    named: NamedRecording
    target: Path
    settings: str
    known: str = ""

    @classmethod
    def of(cls, named: NamedRecording, target: Path, settings: str) -> Task:
        """Make a task under the settings of a batch."""
        one = named.recording
        parts = (settings, named.name, one.channel, one.start, one.end)
        return cls(named, target, hashlib.sha256(repr(parts).encode()).hexdigest()[:16])

    @property
    def path(self) -> Path:
        """File of the recording."""
        return self.named.recording.path

    @property
    def size(self) -> int:
        """Bytes of the recording; 0 where nobody knows."""
        return os.path.getsize(self.path) if os.path.isfile(self.path) else 0

    @property
    def result(self) -> str:
        """Name of the result in the report."""
        return escape_undecoded(self.target.name)

    @property
    def lost(self) -> bool:
        """Whether there is no such file."""
        return self.path != STDIN and not os.path.exists(self.path)


@dataclass
class Outcome:
    """What came of a task: its line in the report, none if it was done before, and messages."""

    task: Task
    row: Row | None = None
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    digest: str = ""

    def warn(self, text: str) -> None:
        """Note a warning."""
        self.warnings.append(text)
        self.messages.append(f"warning: {text}")

    def fail(self, error: BaseException | str) -> Outcome:
        """Note that it failed."""
        text = error if isinstance(error, str) else describe_failure(self.task.path, error)
        self.messages.append(f"error: {text}")
        self.row = self._row(FAILED, error=text)
        return self

    def finish(self, summary: Summary, time_s: float) -> Outcome:
        """Note that it is done."""
        self.row = self._row(
            DONE,
            duration_s=f"{summary.duration_s:.3f}",
            time_s=f"{time_s:.2f}",
            speakers=str(summary.speakers),
        )
        return self

    def _row(self, status: str, **cells: str) -> Row:
        return Row(
            self.task.result,
            str(self.task.path),
            status,
            **cells,
            warnings=" | ".join(self.warnings),
            digest=self.digest,
            settings=self.task.settings,
        )


class TaskRunner:
    """Does tasks; models are loaded when the first recording needs them.

    An error of a recording is part of its outcome. One of loading the models is raised.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.process: Process | None = None

    def __call__(self, task: Task, progress: ProgressCallback | None = None) -> Outcome:
        """Do a task, or find that it is done."""
        outcome = Outcome(task)
        began = time.monotonic()
        with warnings_on_one_line(outcome.warn):
            # Whatever befalls a recording, the others are done; what is no Exception stops all.
            try:
                # A pipe gives its bytes once, so that nobody knows them before.
                outcome.digest = digest_file(task.path) if os.path.isfile(task.path) else ""
                if task.known and task.known == outcome.digest:
                    return outcome
                stream = self.work.reader.open_part(task.named.recording, task.named.name)
            except Exception as error:
                return outcome.fail(error)
            if self.process is None:
                self.process = self.work.load()
                task.target.parent.mkdir(parents=True, exist_ok=True)
            try:
                summary = self.process(stream, task.target, progress)
            except Exception as error:
                return outcome.fail(error)
        return outcome.finish(summary, time.monotonic() - began)
