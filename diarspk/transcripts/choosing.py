"""Choice of one recording where a file holds several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from diarspk.errors import FormatError
from diarspk.formats.names import plain_name

__all__ = ["choose_recording"]

Content = TypeVar("Content")


def choose_recording(
    recordings: Mapping[str, Content], wanted: str | None, file: str, *, hint: str | None = None
) -> tuple[str, Content] | None:
    """Find a recording in a file; None if the file is empty.

    Parameters
    ----------
    recordings : mapping of str to content
        By name, as :func:`diarspk.formats.names.plain_name` has it.
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
    wanted = None if wanted is None else plain_name(wanted)
    hint = None if hint is None else plain_name(hint)
    listed = [name[:40] for name in list(recordings)[:5]]
    if wanted is None and hint in recordings:
        wanted = hint
    if wanted is None and len(recordings) > 1:
        names = ", ".join([*listed, "..."][: len(recordings)])
        raise FormatError(
            f"holds {len(recordings)} recordings ({names}); say which one (uri, --recording)", file
        )
    if wanted is None:
        return next(iter(recordings.items()), None)
    if wanted not in recordings:
        names = ", ".join(listed) or "nothing"
        raise FormatError(f"holds no recording {wanted[:40]!r}, but {names}; check the name", file)
    return wanted, recordings[wanted]
