"""WAV, AIFF, AU and CAF files whose header tells a wrong number of bytes: none is left unread.

Sizes are of 32 bits: beyond 4 GiB they wrap around. A recorder that is killed leaves the size that
it wrote first, often 0. A program that writes to a pipe does not know the size, and leaves the
largest number. Chunks: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0";
RF64: EBU Tech 3306; AIFF: Apple, "Audio Interchange File Format 1.3"; CAF: Apple,
"Core Audio Format Specification 1.0".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diarspk.audio.byte_views import ByteView, JoinedPieces

__all__ = ["Mended", "form_starts", "mend_sizes"]

MAX_SIZE = 2**32 - 1
UNKNOWN = (MAX_SIZE, 0x7FFFFFFF, 0x7FFFF000, 0x80000000)
"""Sizes that programs write to a pipe: ffmpeg, SoX, arecord."""

UNREADABLE = "its header tells of fewer samples than it has, and the others are not read"
MAX_HEADER_BYTES = 1 << 24
MAX_CHUNKS = 1000
MIN_UNREAD_BYTES = 1024
"""Less than this after the samples is a tag, or padding."""

PADDED = ("<I", ">I")
"""Layouts of sizes whose chunks end at even positions: not those of CAF."""
CAF = b"caff"
CAF_UNKNOWN = 2**64 - 1
"""Size of the samples up to the end of the file."""

FORMS = {  # identifier, type of form: byte order, chunk of the samples
    (b"RIFF", b"WAVE"): ("<", b"data"),
    (b"RIFX", b"WAVE"): (">", b"data"),
    (b"RF64", b"WAVE"): ("<", b"data"),
    (b"BW64", b"WAVE"): ("<", b"data"),
    (b"FORM", b"AIFF"): (">", b"SSND"),
    (b"FORM", b"AIFC"): (">", b"SSND"),
}


@dataclass(frozen=True)
class Mended:
    """View of a file with a header that tells the size of its samples.

    Attributes
    ----------
    view : ByteView
    warning : str
        What is to be said of it; empty where the header is right, or says that it does not know.
    """

    view: ByteView
    warning: str = ""


@dataclass(frozen=True)
class _Chunk:
    identifier: bytes
    start: int  # of the content
    size: int
    end: int  # of the content, padding included


def mend_sizes(view: ByteView) -> Mended:
    """Tell the decoder of all samples of WAV, AIFF, AU and CAF; leave other files as they are."""
    head = _read(view, 0, 12)
    if head[:4] == CAF:
        return _mend_caf(view)
    if head[:4] == b".snd":
        return _mend_au(view)
    form = FORMS.get((head[:4], head[8:12]))
    if form is None:
        return Mended(view)
    order, wanted = form
    chunks = []
    for chunk in _chunks(view, 12, f"{order}I"):
        chunks.append(chunk)
        if chunk.identifier == wanted:
            parts = _parts_of_samples(view, chunk, f"{order}I")
            if len(parts) > 1:
                return _join_samples(view, order, chunks, parts)
            return _mend_form(view, order, chunks)
    return Mended(view)


def form_starts(view: ByteView) -> list[int]:
    """Positions at which another WAV, AIFF or CAF file begins, where several were joined."""
    starts = [0]
    while len(starts) < MAX_CHUNKS:
        following = _next_form(ByteView(view.base, b"", view.start + starts[-1], view.end))
        if following is None:
            break
        starts.append(starts[-1] + following)
    return starts


def _parts_of_samples(view: ByteView, first: _Chunk, layout: str) -> list[_Chunk]:
    """Chunks of samples, the first among them; only that where no list of chunks follows it."""
    following = list(_chunks(view, first.end, layout))
    if not all(_is_printable(chunk.identifier) for chunk in following):
        return [first]
    return [first, *(chunk for chunk in following if chunk.identifier == first.identifier)]


def _join_samples(view: ByteView, order: str, chunks: list[_Chunk], parts: list[_Chunk]) -> Mended:
    """Put the samples of several chunks, of which a decoder reads one, one after the other."""
    ranges = [(part.start, min(part.start + part.size, view.length)) for part in parts]
    ranges[0] = 0, ranges[0][1]  # with the header
    joined: Any = JoinedPieces(view, ranges)
    warning = f"its samples are in {len(parts)} chunks, where one is allowed: all are read"
    return _with_size(ByteView(joined), order, chunks, warning)


def _mend_form(view: ByteView, order: str, chunks: list[_Chunk]) -> Mended:
    samples, available = chunks[-1], view.length - chunks[-1].start
    size = samples.size
    wide = next((one for one in chunks if one.identifier == b"ds64"), None)
    if wide is not None and size == MAX_SIZE:
        size = struct.unpack("<Q", _read(view, wide.start + 8, 8).ljust(8, b"\0"))[0]
    if available - size < MIN_UNREAD_BYTES:
        return Mended(view)  # right, or truncated: the decoder tells
    if _followed_by_chunks(view, samples.start + size + size % 2, f"{order}I"):
        return Mended(view)
    warning = f"its header tells of {size} bytes of samples, it has {available}"
    return _with_size(view, order, chunks, "" if size in UNKNOWN else f"{warning}: all are read")


def _with_size(view: ByteView, order: str, chunks: list[_Chunk], warning: str) -> Mended:
    """Put a header with the right sizes before the samples."""
    samples = chunks[-1]
    available = view.length - samples.start
    if samples.start > MAX_HEADER_BYTES:
        return Mended(view, UNREADABLE)
    head = bytearray(_read(view, 0, samples.start))
    if view.length <= MAX_SIZE and bytes(head[:4]) in (b"RIFF", b"RIFX", b"FORM"):
        struct.pack_into(f"{order}I", head, 4, view.length - 8)
        struct.pack_into(f"{order}I", head, samples.start - 4, available)
    elif order == "<":
        kept = b"".join(
            bytes(head[one.start - 8 : one.end])
            for one in chunks[:-1]
            if one.identifier in (b"fmt ", b"fact")
        )
        total = 12 + 36 + len(kept) + 8 + available
        sizes = struct.pack("<4sIQQQI", b"ds64", 28, total - 8, available, 0, 0)
        start = struct.pack("<4sI4s", b"RF64", MAX_SIZE, b"WAVE")
        head = bytearray(start + sizes + kept + struct.pack("<4sI", b"data", MAX_SIZE))
    else:  # big-endian beyond 4 GiB, which has no form of wider sizes
        return Mended(view, UNREADABLE)
    return Mended(_after(view, bytes(head), samples.start), warning)


def _mend_au(view: ByteView) -> Mended:
    head = _read(view, 0, 24)
    if len(head) < 24:
        return Mended(view)
    start, size = struct.unpack(">II", head[4:12])
    available = view.length - start
    if not 24 <= start < MAX_HEADER_BYTES or available - size < MIN_UNREAD_BYTES:
        return Mended(view)
    whole = _read(view, 0, start)
    fixed = whole[:8] + struct.pack(">I", MAX_SIZE) + whole[12:]  # "unknown": up to the end
    warning = f"its header tells of {size} bytes of samples, it has {available}: all are read"
    return Mended(_after(view, fixed, start), warning)


def _mend_caf(view: ByteView) -> Mended:
    for chunk in _chunks(view, 8, ">Q"):
        if chunk.identifier != b"data":
            continue
        available = view.length - chunk.start
        if chunk.size == CAF_UNKNOWN or available - chunk.size < MIN_UNREAD_BYTES:
            break
        if _followed_by_chunks(view, chunk.start + chunk.size, ">Q"):
            break
        if chunk.start > MAX_HEADER_BYTES:
            return Mended(view, UNREADABLE)
        head = _read(view, 0, chunk.start - 8) + struct.pack(">Q", CAF_UNKNOWN)
        warning = f"its header tells of {chunk.size} bytes of samples, it has {available}"
        return Mended(_after(view, head, chunk.start), f"{warning}: all are read")
    return Mended(view)


def _after(view: ByteView, head: bytes, start: int) -> ByteView:
    """Put another header before the bytes from ``start`` on."""
    return ByteView(view.base, head, view.start + start, view.end)


def _chunks(view: ByteView, position: int, layout: str) -> Iterator[_Chunk]:
    """Chunks one after the other; ``layout`` is that of their size, such as ``<I``."""
    order, size_bytes = layout[0], struct.calcsize(layout)
    for _ in range(MAX_CHUNKS):
        header = _read(view, position, 4 + size_bytes)
        if len(header) < 4 + size_bytes:
            return
        identifier, size = struct.unpack(f"{order}4s{layout[1:]}", header)
        padded = size + (size % 2 if layout in PADDED else 0)
        chunk = _Chunk(identifier, position + len(header), size, position + len(header) + padded)
        yield chunk
        position = chunk.end


def _followed_by_chunks(view: ByteView, end: int, layout: str) -> bool:
    """Whether a list of chunks fills the file from ``end`` of the samples on."""
    for chunk in _chunks(view, end, layout):
        if not _is_printable(chunk.identifier) or chunk.end > view.length + 1:
            return False
        end = chunk.end
    return view.length - end < MIN_UNREAD_BYTES


def _next_form(view: ByteView) -> int | None:
    """Position of a form among the chunks of the first one."""
    head = _read(view, 0, 12)
    form = FORMS.get((head[:4], head[8:12]))
    if form is None and head[:4] != CAF:
        return None
    first, layout = (8, ">Q") if form is None else (12, f"{form[0]}I")
    for chunk in _chunks(view, first, layout):
        start = chunk.start - struct.calcsize(layout) - 4
        mark = _read(view, start, 12)
        if (mark[:4], mark[8:12]) in FORMS or mark[:4] == CAF:
            return start
        if not _is_printable(chunk.identifier):
            return None
    return None


def _is_printable(identifier: bytes) -> bool:
    return all(32 <= byte < 127 for byte in identifier)


def _read(view: ByteView, position: int, count: int) -> bytes:
    view.seek(position)
    pieces = b""
    while len(pieces) < count and (piece := view.read(count - len(pieces))):
        pieces += piece
    return pieces
