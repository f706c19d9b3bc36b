"""MPEG-4 files that were joined end to end: where each part starts.

FFmpeg reads the first index (the box ``moov``) and the samples that it names, and says nothing of
another file behind them. Boxes: ISO/IEC 14496-12, section 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from diarspk.audio.byte_views import ByteView

__all__ = ["mp4_starts"]

MAX_BOXES = 1_000_000
WIDE = 1
"""Size that stands for one of 64 bits, which follows."""
TO_THE_END = 0


def mp4_starts(view: ByteView) -> list[int]:
    """Positions of the boxes ``ftyp`` that begin a file with an index; the first is 0."""
    starts, opened, indexed = [0], 0, False
    for kind, position in _boxes(view):
        if kind == b"ftyp":
            if indexed:
                opened, indexed = position, False
        elif kind == b"moov":
            indexed = True
            if opened != starts[-1]:
                starts.append(opened)
    return starts


def _boxes(view: ByteView) -> Iterator[tuple[bytes, int]]:
    """Kind and position of each box of the outermost level."""
    position = 0
    for _ in range(MAX_BOXES):
        view.seek(position)
        header = view.read(16) or b""
        if len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        if size == WIDE and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
        yield kind, position
        if size == TO_THE_END or size < 8:
            return
        position += size
