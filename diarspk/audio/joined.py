"""Files that were joined end to end: where each part starts, and their sound one after the other.

Decoders stop at the end of the first part of an Ogg file, and take the header of the second part of
an MP3 file for damage. Pages: RFC 3533, "The Ogg Encapsulation Format", section 6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from diarspk.audio.byte_views import ByteView
from diarspk.audio.conform import Conformer
from diarspk.audio.files import AudioFile
from diarspk.audio.source import AudioSource, Samples

__all__ = ["AMR", "JoinedSource", "amr_starts", "flac_parts", "ogg_starts", "split_file"]

PAGE = b"OggS"
PAGE_HEADER_BYTES = 27
MAX_PAGE_BYTES = PAGE_HEADER_BYTES + 255 * 256
SEARCHED_BYTES = 1 << 20
FLAC_HEADER = b"fLaC\0\0\0\x22"
"""The mark, and the head of a block STREAMINFO of 34 bytes that others follow."""

AMR = (b"#!AMR\n", b"#!AMR-WB\n")
"""Marks with which files of AMR begin, of narrow and of wide band; see RFC 4867, section 5.1."""

AMR_MARK = re.compile(b"|".join(AMR))
MAX_MARK = max(map(len, AMR))

FIRST_PAGE = 2  # flag of the page with which a stream begins


@dataclass(frozen=True, eq=False)
class JoinedSource:
    """Parts of one file, each with a header of its own, as one recording.

    Rate and number of channels are those of the first part.
    """

    file: AudioFile
    parts: Sequence[AudioSource]

    @property
    def label(self) -> str:
        """Name in messages."""
        return self.file.label

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.parts[0].sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.parts[0].channels

    @property
    def duration(self) -> float | None:
        """Sum of the durations; None where one is not known."""
        return _sum([part.duration for part in self.parts])

    @property
    def expected_duration(self) -> float | None:
        """Sum of the durations or their estimates."""
        return _sum([part.expected_duration for part in self.parts])

    @property
    def selection(self) -> str:
        """All of it: nothing."""
        return ""

    def measure(self) -> float:
        """Return the sum of the durations."""
        return sum(part.measure() for part in self.parts)

    def chunks(self) -> Iterator[Samples]:
        """Consecutive ``(channels, time)``."""
        conformer = Conformer(self.sample_rate, self.channels)
        for part in self.parts:
            for samples in part.chunks():
                yield from conformer.push(samples, part.sample_rate)
        yield from conformer.finish()


def split_file(file: AudioFile, starts: Sequence[int]) -> list[AudioFile]:
    """Cut a file at the starts of its parts, which are counted from its own start."""
    places = [file.start + start for start in (0, *starts[1:])]
    ends = [*places[1:], file.end]
    return [replace(file, start=start, end=end) for start, end in zip(places, ends, strict=True)]


def ogg_starts(view: ByteView) -> list[int]:
    """Positions at which a new group of streams begins; the first is 0."""
    starts, position, heading = [0], 0, True
    while (page := _page_at(view, position)) is not None:
        position, size, first = page
        if first and not heading:
            starts.append(position)
        heading = first
        position += size
    return starts


def amr_starts(view: ByteView) -> list[int]:
    """Positions of the marks in a file of AMR, which is read for that; the first is 0."""
    starts, rest, position = [], b"", 0
    view.seek(0)
    while block := view.read(SEARCHED_BYTES):
        searched = rest + block
        first = position - len(rest)
        starts += [first + found.start() for found in AMR_MARK.finditer(searched)]
        rest = searched[-MAX_MARK + 1 :]
        position += len(block)
    return sorted({0, *starts})


def flac_parts(view: ByteView) -> int:
    """Count the headers of FLAC in a file, which is read for that; see RFC 9639, section 6."""
    count, rest = 0, b""
    view.seek(0)
    while block := view.read(SEARCHED_BYTES):
        count += (rest + block).count(FLAC_HEADER)
        rest = block[-len(FLAC_HEADER) + 1 :]
    return count


def _page_at(view: ByteView, position: int) -> tuple[int, int, bool] | None:
    """Position, size and first-page flag of the page at ``position`` or, past damage, after it."""
    while True:
        view.seek(position)
        header = view.read(PAGE_HEADER_BYTES + 255) or b""
        if len(header) < PAGE_HEADER_BYTES:
            return None
        if header[:4] == PAGE:
            lengths = header[PAGE_HEADER_BYTES : PAGE_HEADER_BYTES + header[26]]
            size = PAGE_HEADER_BYTES + len(lengths) + sum(lengths)
            return position, size, bool(header[5] & FIRST_PAGE)
        view.seek(position + 1)
        ahead = view.read(MAX_PAGE_BYTES) or b""
        found = ahead.find(PAGE)
        position += 1 + (found if found >= 0 else max(len(ahead) - len(PAGE) + 1, 1))


def _sum(durations: list[float | None]) -> float | None:
    known = [duration for duration in durations if duration is not None]
    return sum(known) if len(known) == len(durations) else None
