"""JSON as the commands print it."""

from __future__ import annotations

import json
from typing import Any

from diarspk.formats.names import SURROGATES

__all__ = ["json_text"]


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""JSON that is readable in any script, and valid for every file name.

    Bytes of a name that are not UTF-8 are escaped surrogates, which Python's ``json.loads`` and
    ``os.fsencode`` turn into the same bytes again.

    Examples
    --------
    >>> import os
    >>> print(json_text({"file": "会議.wav"}), json_text(os.fsdecode(b"r\xe9union.wav")))
    {"file": "会議.wav"} "r\udce9union.wav"
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return SURROGATES.sub(lambda sign: rf"\u{ord(sign[0]):04x}", text)
