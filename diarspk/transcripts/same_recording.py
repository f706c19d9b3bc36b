"""Whether a file of turns is of the recording that it is given with."""

from __future__ import annotations

import re
import warnings
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING

from diarspk.errors import DiarspkWarning, FormatError
from diarspk.formats.names import plain_name

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["check_same_recording"]

MAX_OVERRUN_S = 2.0
"""Seconds by which the last turn may end after the recording: annotators round times up, and
coders add or lose a fraction of a second."""

NAMELESS = ("", "audio", "stdin", "<NA>")
"""Names of recordings that were diarized from an array or a pipe."""


def check_same_recording(
    diarization: str | PathLike[str], end: float, uri: str | None, stream: AudioStream
) -> None:
    """Check that turns which a file holds fit a recording, before it is worked on.

    Parameters
    ----------
    diarization : path
        The file.
    end : float
        Seconds at which its last turn ends.
    uri : str or None
        Name that it gives the recording; None where the user chose it.
    stream : AudioStream
        The recording. Its duration is measured, not decoded.

    Warns
    -----
    DiarspkWarning
        The name is that of another recording.

    Raises
    ------
    FormatError
        The turns go on for more than :data:`MAX_OVERRUN_S` after the end of the recording.
    """
    duration = stream.measure_duration()
    if end > duration + MAX_OVERRUN_S:
        raise FormatError(
            f"its turns go on to {end:.1f} s, and {stream.source.label} ends at {duration:.1f} s; "
            "give the diarization of this recording",
            str(diarization),
        )
    if uri is not None and not _may_be_one(uri, stream):
        warnings.warn(
            f"{diarization}: is of a recording called {uri}, not {stream.name}; check that it "
            "belongs here",
            DiarspkWarning,
            stacklevel=3,
        )


def _may_be_one(uri: str, stream: AudioStream) -> bool:
    """Whether a name may be that of a recording: `ES2004a` is of `ES2004a.Mix-Headset.wav`."""
    name = _comparable(uri)
    own = {_comparable(stream.name), _comparable(PurePath(stream.source.label).stem)}
    if {name, *own} & set(NAMELESS):
        return True
    return any(
        _begins(one, other) for known in own for one, other in ((name, known), (known, name))
    )


def _comparable(name: str) -> str:
    """Name without folders and the suffix of a sound file."""
    base = plain_name(name).replace("\\", "/").rpartition("/")[2]
    return re.sub(r"\.[A-Za-z0-9]{2,4}$", "", base).replace(" ", "_").casefold()


def _begins(start: str, name: str) -> bool:
    rest = name[len(start) :]
    return name.startswith(start) and not rest[:1].isalnum()
