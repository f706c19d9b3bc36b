"""File names for names that people give, such as those of speakers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["file_stems"]

MAX_BYTES = 200
"""Maximum length of a stem in UTF-8: file systems take 255, and suffixes need some."""

RESERVED = {"con", "prn", "aux", "nul"} | {
    f"{port}{i}" for port in ("com", "lpt") for i in "123456789"
}
"""Names that Windows keeps for devices, whatever the suffix."""


def file_stems(names: Iterable[str]) -> dict[str, str]:
    """Give each name a file name without suffix: valid everywhere, and no two the same.

    Signs other than letters, digits, ``-``, ``_`` and ``.`` become ``_``. Where several names would
    share a file, a name that needs no change keeps its own, and the others are numbered in the
    order given: ``A_B``, and ``A_B-2`` for ``A/B``. Names that differ by case or by the composition
    of their letters alone would share a file on some systems, and are told apart as well.

    Parameters
    ----------
    names
        Different names.

    Returns
    -------
    dict of str to str
        Stem of the file of each name, in the order given.

    Examples
    --------
    >>> file_stems(["A/B", "A_B", "Ann"])
    {'A/B': 'A_B-2', 'A_B': 'A_B', 'Ann': 'Ann'}
    """
    given = list(dict.fromkeys(names))
    plain = {name: _plain(name) for name in given}
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(given, key=lambda name: plain[name] != name):  # stable: unchanged ones first
        stem, number = plain[name], 1
        while _folded(stem) in taken:
            number += 1
            stem = f"{plain[name]}-{number}"
        taken.add(_folded(stem))
        stems[name] = stem
    return {name: stems[name] for name in given}


def _plain(name: str) -> str:
    """Replace what a file name cannot hold on one system or another."""
    stem = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in name)
    stem = stem.encode()[:MAX_BYTES].decode(errors="ignore")
    if not stem.strip(".") or stem.startswith(".") or stem.partition(".")[0].lower() in RESERVED:
        return f"_{stem}"
    return stem


def _folded(stem: str) -> str:
    """Form that file systems compare which disregard case, or the composition of letters."""
    return unicodedata.normalize("NFC", stem).casefold()
