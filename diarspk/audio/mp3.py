"""The tag in the first frame of an MP3 file, by which its length is known and not estimated.

The tags of Xing (also "Info", by LAME) and of Fraunhofer (VBRI) tell the number of frames and of
bytes; see G. Windels, "MPEG Audio Frame Header", section 2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from diarspk.audio.byte_views import ByteView

__all__ = ["after_id3", "mp3_starts", "told_seconds"]

BLOCK_BYTES = 1 << 20
BLOCK_OVERLAP = 128
MAX_FRAME_BYTES = 4096
MARK = re.compile(rb"Xing|Info|VBRI")
DISTANCES = (36, 21, 13)
"""Bytes from the header of a frame to the mark: stereo, mono, and mono of MPEG-2."""

RATES = (44100, 48000, 32000)
"""Sample rates in Hz of MPEG-1; MPEG-2 has half of them, MPEG-2.5 a quarter."""


class _Tag(NamedTuple):
    start: int  # of the frame that holds it
    frames: int
    size: int  # bytes
    rate: int
    frame_samples: int


def told_seconds(view: ByteView) -> float | None:
    """Duration by the tag, padding included; None without a tag, and where more bytes follow.

    A file that was cut short has its full duration.
    """
    tag = _first_tag(view)
    if tag is None or view.length - tag.start > tag.size + max(tag.size // 16, 1 << 12):
        return None
    return tag.frames * tag.frame_samples / tag.rate


def mp3_starts(view: ByteView) -> list[int]:
    """Positions at which a part of a joined file begins, by its tag; the first is 0.

    The file is searched only where it is longer than its first tag tells. Parts without a tag need
    no cut: their frames follow each other.
    """
    first = _first_tag(view)
    if first is None or view.length <= first.start + first.size + BLOCK_OVERLAP:
        return [0]
    return [0, *(tag.start for tag in _tags(view) if tag.start > first.start)]


def _first_tag(view: ByteView) -> _Tag | None:
    """Tag in the first frame."""
    start = after_id3(view)
    return next(_block_tags(view, start, MAX_FRAME_BYTES), None)


def _tags(view: ByteView) -> Iterator[_Tag]:
    """All tags of a file in the order of their places."""
    last = -1
    for position in range(0, view.length, BLOCK_BYTES):
        for tag in _block_tags(view, position, BLOCK_BYTES + BLOCK_OVERLAP):
            if tag.start > last:
                last = tag.start
                yield tag


def _block_tags(view: ByteView, position: int, length: int) -> Iterator[_Tag]:
    view.seek(position)
    block = view.read(length) or b""
    for found in MARK.finditer(block):
        tag = _tag_at(block, found.start(), position)
        if tag is not None:
            yield tag


def _tag_at(block: bytes, mark: int, position: int) -> _Tag | None:
    """Read the tag with its mark here, if a header of layer III stands where it must."""
    starts = [mark - distance for distance in DISTANCES]
    header = next((start for start in starts if start >= 0 and _is_header(block, start)), None)
    if header is None or len(block) < mark + 18:
        return None
    if block[mark : mark + 4] == b"VBRI":
        size, frames = struct.unpack_from(">II", block, mark + 10)
    else:
        flags, frames, size = struct.unpack_from(">III", block, mark + 4)
        if flags & 3 != 3:
            return None
    version = block[header + 1] >> 3 & 3  # 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
    rate = RATES[block[header + 2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[version]
    return _Tag(position + header, frames, size, rate, 1152 if version == 3 else 576)


def _is_header(block: bytes, start: int) -> bool:
    """Whether 11 bits of synchronisation, a version, layer III and a sample rate stand here."""
    first, second, third = block[start : start + 3]
    version = second >> 3 & 3
    return first == 0xFF and second & 0xE6 == 0xE2 and version != 1 and third >> 2 & 3 != 3


def after_id3(view: ByteView) -> int:
    """Position after the tag ID3 at the start; 0 where there is none."""
    view.seek(0)
    head = view.read(10) or b""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size
