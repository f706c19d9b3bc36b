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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from diarspk.audio.byte_views import ByteView
from diarspk.errors import ArgumentError, AudioError

__all__ = ["AudioFile", "display_name", "open_file"]

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
        if isinstance(name, str | int) and name in ("<stdin>", 0):
            label = "stdin"
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
