"""Choice of one recording where a file holds several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from diarspk.errors import FormatError

__all__ = ["choose_recording"]

Content = TypeVar("Content")


def choose_recording(
    recordings: Mapping[str, Content], wanted: str | None, file: str, *, hint: str | None = None
) -> tuple[str, Content] | None:
    """Find a recording in a file; None if the file is empty.

    Parameters
    ----------
    recordings : mapping of str to content
        By name.
    wanted : str or None
        Name that must be there.
    file : str
        Name of the file, for errors.
    hint : str, optional
        Name to take if there are several, and nobody asks for another.

    Raises
    ------
    FormatError
        If there is no such recording, or there are several and no name says which.
    """
    if wanted is None and hint in recordings:
        wanted = hint
    if wanted is None and len(recordings) > 1:
        names = ", ".join([*list(recordings)[:5], "..."][: len(recordings)])
        raise FormatError(
            f"holds {len(recordings)} recordings ({names}); say which one (uri, --recording)", file
        )
    if wanted is None:
        return next(iter(recordings.items()), None)
    if wanted not in recordings:
        names = ", ".join(list(recordings)[:5]) or "nothing"
        raise FormatError(f"holds no recording {wanted!r}, but {names}; check the name", file)
    return wanted, recordings[wanted]
