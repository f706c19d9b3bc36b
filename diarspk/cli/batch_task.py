"""One recording of a batch: from its file to its result and its line in the report."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from diarspk.checkpoints.digest import digest_file
from diarspk.cli.kept_inputs import keep_inputs
from diarspk.cli.recordings import STDIN, Reader
from diarspk.cli.report import DONE, FAILED, Row
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.terminal import ProgressCallback, describe_failure, warnings_on_one_line
from diarspk.formats.names import escape_undecoded

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = [
    "AudioWork",
    "Outcome",
    "Process",
    "Source",
    "Summary",
    "Task",
    "TaskRunner",
    "Work",
]

Source = TypeVar("Source")
"""What a recording is opened as: a stream of audio, or that and a transcript."""


@dataclass(frozen=True)
class Summary:
    """What the report tells of a result: seconds of the recording, and how many speakers.

    None where the result does not tell it.
    """

    duration_s: float | None
    speakers: int | None


Process: TypeAlias = Callable[[Source, Path, ProgressCallback | None], Summary]
"""Callable(opened recording, file or folder to write, progress) that makes one result."""


class Work(Protocol[Source]):
    """What is done with each recording; it can be sent to another process."""

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the recordings and their own files."""

    def files_of(self, named: NamedRecording) -> Sequence[Path]:
        """Find further files that the result of a recording depends on, such as its transcript."""

    def open(self, named: NamedRecording) -> Source:
        """Open a recording; what is wrong with it is told before models are loaded."""

    def load(self) -> Process[Source]:
        """Load the models."""


class AudioWork:
    """Base of work on audio alone."""

    reader: Reader

    def files_of(self, named: NamedRecording) -> Sequence[Path]:
        """Give no files: the recording is all."""
        return ()

    def open(self, named: NamedRecording) -> AudioStream:
        """Open a recording under the name of its result."""
        return self.reader.open_part(named.recording, named.name)


@dataclass(frozen=True)
class Task:
    """A recording to do.

    Attributes
    ----------
    named : NamedRecording
    target : Path
        File or folder of the result.
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
            duration_s="" if summary.duration_s is None else f"{summary.duration_s:.3f}",
            time_s=f"{time_s:.2f}",
            speakers="" if summary.speakers is None else str(summary.speakers),
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


class TaskRunner(Generic[Source]):
    """Does tasks; models are loaded when the first recording needs them.

    An error of a recording is part of its outcome. One of loading the models is raised.
    """

    def __init__(self, work: Work[Source]) -> None:
        self.work = work
        self.process: Process[Source] | None = None

    def __call__(self, task: Task, progress: ProgressCallback | None = None) -> Outcome:
        """Do a task, or find that it is done."""
        outcome = Outcome(task)
        began = time.monotonic()
        with warnings_on_one_line(outcome.warn):
            # Whatever befalls a recording, the others are done; what is no Exception stops all.
            try:
                outcome.digest = self._digest(task)
                if task.known and task.known == outcome.digest:
                    return outcome
                keep_inputs(task.target, [task.path, *self.work.files_of(task.named)])
                source = self.work.open(task.named)
            except Exception as error:
                return outcome.fail(error)
            if self.process is None:
                self.process = self.work.load()
                task.target.parent.mkdir(parents=True, exist_ok=True)
            try:
                summary = self.process(source, task.target, progress)
            except Exception as error:
                return outcome.fail(error)
        return outcome.finish(summary, time.monotonic() - began)

    def _digest(self, task: Task) -> str:
        """Digest of a recording and of the files that go with it; empty where nobody knows it."""
        # A pipe gives its bytes once, so that nobody knows them before.
        if not os.path.isfile(task.path):
            return ""
        files = [task.path, *self.work.files_of(task.named)]
        digests = [digest_file(file) for file in files]
        if len(digests) == 1:
            return digests[0]
        return hashlib.sha256("".join(digests).encode()).hexdigest()
