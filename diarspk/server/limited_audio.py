"""Audio of strangers: it is as long as it decodes to, and reading it can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, cast

from diarspk.audio import AudioStream, open_audio
from diarspk.audio.source import AudioSource, Samples
from diarspk.errors import AudioError
from diarspk.server.work_control import WorkControl

if TYPE_CHECKING:
    from diarspk.audio.files import AudioFile

__all__ = ["NamedFile", "RecordingTooLong", "open_limited"]

MAX_NAME = 100


class RecordingTooLong(AudioError):
    """A recording is longer than the server takes."""


class NamedFile:
    """Open binary file under a name that a client gave, for messages.

    Of the name only the last part is kept, without signs that steer a terminal: it never leads to
    a file.

    Parameters
    ----------
    file : binary file object
        It seeks.
    name : str, optional
    """

    def __init__(self, file: BinaryIO | NamedFile, name: str | None = None) -> None:
        self._file = file
        last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
        plain = "".join(sign for sign in last if sign.isprintable())
        self.name = plain[:MAX_NAME] or "audio"

    def read(self, size: int = -1, /) -> bytes:
        """Read bytes."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position."""
        self._file.seek(offset, whence)
        return self._file.tell()  # of Python 3.10, a spooled file's seek returns nothing

    def tell(self) -> int:
        """Position."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Whether it seeks: yes."""
        return True


@dataclass(frozen=True, eq=False)
class LimitedSource:
    """Source that ends in an error after ``max_s`` seconds, or when the work is stopped.

    The length in a header may be anything: a file of some kilobytes can decode to days.
    """

    source: AudioSource
    max_s: float
    control: WorkControl

    @property
    def label(self) -> str:
        """Name in messages."""
        return self.source.label

    @property
    def file(self) -> AudioFile | None:
        """Bytes that it reads."""
        return self.source.file

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.source.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.source.channels

    @property
    def duration(self) -> float | None:
        """Seconds by the header."""
        return self.source.duration

    @property
    def expected_duration(self) -> float | None:
        """Seconds by the header, or an estimate."""
        return self.source.expected_duration

    @property
    def selection(self) -> str:
        """What is read of the file."""
        return self.source.selection

    def measure(self) -> float:
        """Measure the duration in seconds."""
        return self.source.measure()

    def chunks(self) -> Iterator[Samples]:
        """Read from the start.

        Raises
        ------
        RecordingTooLong, WorkStopped
        """
        samples, limit = 0, self.max_s * self.sample_rate
        for chunk in self.source.chunks():
            self.control.check()
            samples += chunk.shape[1]
            if samples > limit:
                raise too_long(self.label, self.max_s)
            yield chunk


def open_limited(
    file: BinaryIO | NamedFile, name: str | None, max_s: float, control: WorkControl
) -> AudioStream:
    """Open what a client sent.

    Parameters
    ----------
    file, name
        See :class:`NamedFile`.
    max_s
        Seconds of the longest recording.
    control
        Looked at after every chunk.

    Raises
    ------
    AudioError
        If it is no audio, or longer.
    """
    stream = open_audio(cast(BinaryIO, NamedFile(file, name)))
    if stream.duration is not None and stream.duration > max_s:
        raise too_long(stream.source.label, max_s)
    return replace(stream, source=LimitedSource(stream.source, max_s, control))


def too_long(label: str, max_s: float) -> RecordingTooLong:
    """Make the error of a recording of more than ``max_s`` seconds."""
    return RecordingTooLong(
        f"{label}: longer than {max_s:g} s, which this server takes; send it in parts"
    )
