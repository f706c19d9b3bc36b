"""Encoded audio as bytes that can be read from the start any number of times.

A path is opened anew at every reading, a pipe is copied to a temporary file once, and a file object
is rewound. The decoders see a :class:`ByteView` of it, never a name.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from diarspk.errors import ArgumentError, AudioError

__all__ = ["AudioFile", "ByteView", "display_name", "open_file"]

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}[^/]")
"""A scheme of two letters or more, so that `C:/talk.wav` is a path."""


def display_name(path: str | os.PathLike[str]) -> str:
    r"""Text of a path that can be written as UTF-8: bytes that are not appear as ``\xe9``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, eq=False)
class AudioFile:
    """Encoded audio that is read from the start any number of times.

    Attributes
    ----------
    label : str
        Name in messages.
    path : str, optional
        A regular file.
    stream : binary file object, optional
        What seeks, where there is no path. One reading of it at a time.
    start, end : int
        Bytes of a part of a file that was joined. Default: all.
    """

    label: str
    path: str | None = None
    stream: BinaryIO | None = None
    start: int = 0
    end: int | None = None

    @contextmanager
    def open(self) -> Iterator[ByteView]:
        """Open for one reading.

        Raises
        ------
        AudioError
            If the file has vanished since, or may not be read.
        """
        if self.stream is not None:
            yield ByteView(self.stream, start=self.start, end=self.end)
            return
        with _open_path(self.path or "", self.label) as stream:
            yield ByteView(stream, start=self.start, end=self.end)


class ByteView(io.RawIOBase):
    """Bytes of a file from ``start`` to ``end``, after ``head``.

    A fault of the disk or the network ends the bytes; :attr:`fault` tells it, since an error cannot
    pass through the C code that asks for them.

    Parameters
    ----------
    base
        Binary file object that seeks.
    head
        Bytes in front.
    start
        Position in ``base`` of the byte that follows ``head``.
    end
        Position in ``base`` after the last byte. Default: its own end.
    """

    def __init__(
        self, base: BinaryIO, head: bytes = b"", start: int = 0, end: int | None = None
    ) -> None:
        self.base, self.head, self.start = base, head, start
        self.fault: OSError | None = None
        whole = base.seek(0, io.SEEK_END)
        self.end = whole if end is None else min(end, whole)
        self.length = len(head) + max(self.end - start, 0)
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it seeks: yes."""
        return True

    def tell(self) -> int:
        """Position in the view."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, which is clipped at the start."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        self._position = max(origin + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read up to the length of ``buffer``; 0 at the end, and at a fault."""
        target = memoryview(buffer).cast("B")
        if self._position < len(self.head):
            piece = self.head[self._position : self._position + len(target)]
        else:
            piece = self._read_base(self._position - len(self.head) + self.start, len(target))
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _read_base(self, position: int, count: int) -> bytes:
        count = min(count, self.end - position)
        if count <= 0:
            return b""
        try:
            self.base.seek(position)
            return self.base.read(count) or b""
        except OSError as error:
            self.fault = error
            return b""


class JoinedPieces(io.RawIOBase):
    """Parts of a view, one after the other: a base of another :class:`ByteView`.

    Parameters
    ----------
    view
        Where they lie.
    parts
        Start and end of each.
    """

    def __init__(self, view: ByteView, parts: Sequence[tuple[int, int]]) -> None:
        self.view, self.parts = view, list(parts)
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it seeks: yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        length = sum(end - start for start, end in self.parts)
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: length}[whence]
        self._position = max(origin + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read up to the length of ``buffer``, across parts; a fault of the view raises."""
        # A decoder takes fewer bytes than it asked for to be the end of the file.
        target, filled = memoryview(buffer).cast("B"), 0
        while filled < len(target) and (piece := self._next_piece(len(target) - filled)):
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._position += len(piece)
        return filled

    def _next_piece(self, count: int) -> bytes:
        """Read from the position on to the end of its part at most."""
        passed = 0
        for start, end in self.parts:
            offset = self._position - passed
            if 0 <= offset < end - start:
                self.view.seek(start + offset)
                piece = self.view.read(min(count, end - start - offset)) or b""
                if self.view.fault is not None:
                    raise self.view.fault
                return piece
            passed += end - start
        return b""


def open_file(audio: Any) -> AudioFile:
    """Check a path or a file object before anything is decoded.

    Raises
    ------
    AudioError
        If there is no such file, it is empty, a device, or an address in a network.
    ArgumentError
        If ``audio`` is neither.
    """
    if isinstance(audio, str | os.PathLike):
        file = _open_named(os.fsdecode(audio))
    elif isinstance(audio, io.TextIOBase) or not hasattr(audio, "read"):
        raise ArgumentError(
            "`audio` must be a path, a file object opened in binary mode, an array or a tensor, "
            f"got {type(audio).__name__}"
        )
    else:
        name = getattr(audio, "name", None)  # a file descriptor's number where there is no path
        label = display_name(name) if isinstance(name, str) else "audio"
        file = AudioFile(label, stream=audio) if audio.seekable() else _spool(audio, label)
    with file.open() as view:
        if view.length == 0:
            raise AudioError(f"{file.label}: the file is empty; check the recording")
    return file


def _open_named(path: str) -> AudioFile:
    label = display_name(path)
    if ADDRESS.match(path) and not os.path.exists(path):
        raise AudioError(
            f"{label}: an address, which is not fetched; download the file and give its path"
        )
    with _open_path(path, label) as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISREG(mode):
            return AudioFile(label, path)
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):  # it gives its bytes once
            return _spool(stream, label)
    raise AudioError(f"{label}: a device or a terminal; give a file or a pipe")


def _open_path(path: str, label: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise AudioError(f"{label}: no such file; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{label}: cannot be opened ({reason}); check it") from None


def _spool(source: BinaryIO, label: str) -> AudioFile:
    """Copy what cannot seek to a temporary file, which goes when the result does."""
    stream = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    try:
        shutil.copyfileobj(source, stream, 1 << 20)
    except OSError as error:
        stream.close()
        raise AudioError(
            f"{label}: cannot be copied to a temporary file ({error.strerror or error}); free some "
            "disk, or set TMPDIR to a folder with room for it"
        ) from None
    file = AudioFile(label, stream=stream)
    weakref.finalize(file, stream.close)
    return file
