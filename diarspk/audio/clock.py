"""What a container tells of times: where it starts, how long it is, and how far that is a promise.

FFmpeg gives a duration for every file. It is what the header says in some formats, and a guess by
the bit rate in others; a guess that is missed is no sign of a truncated file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition

from diarspk.audio.byte_views import ByteView
from diarspk.audio.mp3 import told_seconds

__all__ = ["MOV", "Clock", "is_flagged", "read_clock"]

MICROSECONDS = 1_000_000  # unit of a container's own times

MOV = "mov,mp4,m4a,3gp,3g2,mj2"
TRACK_LENGTHS = frozenset(
    {MOV, "aiff", "ape", "au", "caf", "flac", "mpc", "mpc8", "tak", "tta", "wv"}
)
"""FFmpeg's names of formats whose header tells the length of each track.

AVI does, too, but counts the places where sound is missing, and does not tell which these are.
"""

COMMON_LENGTHS = frozenset({"asf", "flv", "matroska,webm", "nut"})
"""Formats whose header tells the length of all tracks together."""

MAX_MP3_PADDING_S = 0.2
"""Silence that encoders of MP3 add: less than three frames."""

MAX_LEAP_S = 10.0
"""Longest hole in formats whose clock may leap, such as MPEG-TS; ffmpeg's own limit."""
MAX_UNPROMISED_HOLE_S = 3600.0
MAX_DURATION_S = 24 * 3600.0
"""Latest time that a time stamp may tell: a damaged one must not become days of silence."""
MAX_OVERRUN_S = 1.0
"""Time by which sound may go on after the end that a header tells."""


@dataclass(frozen=True)
class Clock:
    """Times of one track, in seconds.

    Attributes
    ----------
    zero : float, optional
        Time stamp at which the earliest track of sound or picture starts; None where packets have
        no time stamps of their own.
    duration : float, optional
        From there to the end of the track, by the header.
    expected : float, optional
        The same, or FFmpeg's estimate.
    promised : float, optional
        Where the track must end by the header or, if `shared`, one of all tracks.
    max_hole_s, max_end_s : float
        Longest hole, and latest end of one, that is believed.
    """

    zero: float | None
    duration: float | None
    expected: float | None
    promised: float | None
    shared: bool
    max_hole_s: float
    max_end_s: float

    def place(self, time: float | None) -> float | None:
        """Seconds from the start of the container to a time stamp."""
        return None if time is None or self.zero is None else time - self.zero


def read_clock(container: InputContainer, track: int, view: ByteView) -> Clock:
    """Read what the header tells of a sound track."""
    flags = _bits(container.format.flags)
    leaps = bool(flags & _bits(Flags.ts_discont))
    raw = bool(flags & _bits(Flags.generic_index)) and not leaps
    zero = _start(container)
    promised, shared = _promise(container, container.streams.audio[track], zero, view)
    duration = promised if container.format.name in (*TRACK_LENGTHS, "mp3") else None
    told = container.duration / MICROSECONDS if container.duration else None
    expected = duration or told
    believed = MAX_DURATION_S if promised else MAX_UNPROMISED_HOLE_S
    return Clock(
        zero=None if raw else zero,
        duration=duration,
        expected=expected,
        promised=promised,
        shared=shared,
        max_hole_s=MAX_LEAP_S if leaps else believed,
        max_end_s=min((expected or MAX_DURATION_S) + MAX_OVERRUN_S, MAX_DURATION_S),
    )


def is_flagged(stream: Any, name: str) -> bool:
    """Whether a track has the disposition: "default", "attached_pic", ..."""
    return bool(_bits(stream.disposition) & _bits(Disposition[name]))


def _bits(flags: Any) -> int:
    """Return flags as a number; versions of PyAV differ."""
    return int(getattr(flags, "value", flags))


def _start(container: InputContainer) -> float:
    """Time stamp at which the earliest track starts; pictures of a cover do not count."""
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in container.streams
        if stream.type in ("audio", "video")
        and stream.start_time is not None
        and stream.time_base is not None
        and not is_flagged(stream, "attached_pic")
    ]
    return min(starts, default=0.0)


def _promise(
    container: InputContainer, stream: Any, zero: float, view: ByteView
) -> tuple[float | None, bool]:
    """End of the track by the header, and whether that is the end of all tracks together."""
    format = container.format.name
    if format == "mp3":
        return _mp3_promise(stream, view), False
    if format in TRACK_LENGTHS:
        if not stream.duration:
            return None, False
        start = float((stream.start_time or 0) * stream.time_base)
        return start + float(stream.duration * stream.time_base) - zero, False
    if format not in COMMON_LENGTHS:
        return None, False
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d*)?)", stream.metadata.get("DURATION", ""))
    if tag is not None:  # Matroska: the end of this track, by ffmpeg; or its length, by mkvmerge
        hours, minutes, seconds = tag.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - zero, False
    if not container.duration or (format == "asf" and stream.start_time):
        return None, True  # ffmpeg writes a late start into ASF's duration twice
    return container.duration / MICROSECONDS, True


def _mp3_promise(stream: Any, view: ByteView) -> float | None:
    told = told_seconds(view)
    if told is None:
        return None
    # FFmpeg takes the padding off, but estimates where the file is shorter than the tag tells.
    known = float((stream.duration or 0) * stream.time_base)
    return known if 0 <= told - known < MAX_MP3_PADDING_S else told - MAX_MP3_PADDING_S
