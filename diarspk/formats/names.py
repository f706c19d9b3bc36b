"""Names of recordings and speakers as text: one name has one form, wherever it was read."""

from __future__ import annotations

import re
from unicodedata import normalize

__all__ = ["escape_undecoded", "plain_name"]

SURROGATES = re.compile("[\ud800-\udfff]")
UNDECODED = 0xDC00
"""What :func:`os.fsdecode` adds to a byte that is not UTF-8."""


def plain_name(name: object) -> str:
    r"""Text of a name, which is the same for two writings of one name.

    Accents are composed (Unicode's form NFC): file systems and editors differ in whether an é is
    one character or two. Bytes of a file name that are not UTF-8 become ``\xe9`` and the like, as
    no text file can hold them.

    Examples
    --------
    >>> plain_name("re\u0301union") == plain_name("réunion")
    True
    >>> import os
    >>> print(plain_name(os.fsdecode(b"r\xe9union")))
    r\xe9union
    """
    return normalize("NFC", escape_undecoded(str(name)))


def escape_undecoded(text: str) -> str:
    r"""Write bytes that :func:`os.fsdecode` could not decode as ``\xe9`` and the like."""
    return SURROGATES.sub(_escaped, text)


def _escaped(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])
    byte = code - UNDECODED
    return rf"\x{byte:02x}" if 0x80 <= byte <= 0xFF else rf"\u{code:04x}"
