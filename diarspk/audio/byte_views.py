"""Views of the bytes of a file: a part of it, with bytes in front, or several parts joined."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

__all__ = ["ByteView", "JoinedPieces"]


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
