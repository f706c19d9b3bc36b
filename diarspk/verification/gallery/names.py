"""Names of people: one spelling for each, and none that an output could not tell apart."""

from __future__ import annotations

import re
import unicodedata

from diarspk.arguments import check_type
from diarspk.errors import ArgumentError
from diarspk.formats.names import plain_name

__all__ = ["check_name", "is_generic", "normalize_name", "repair_name"]

GENERIC_NAME = re.compile(r"(SPEAKER|PERSON)_\d+|unknown", re.IGNORECASE)
"""Labels for strangers: of the diarizer, of `diarspk link`, and of `diarspk gallery identify`."""

INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""General categories of Unicode that cannot be seen: control, format, surrogates, line ends."""
JOINERS = "\u200c\u200d"
"""Format characters that some scripts are spelled with."""


def normalize_name(speaker: str) -> str:
    r"""Compose a name (Unicode's normal form NFC) and write each of its gaps as one space.

    Examples
    --------
    >>> normalize_name("Zoe\u0308  Smith") == "Zo\u00eb Smith"
    True
    """
    check_type(speaker, "speaker", str)
    spaced = (" " if unicodedata.category(one) == "Zs" else one for one in plain_name(speaker))
    return re.sub(" +", " ", "".join(spaced))


def is_generic(label: str) -> bool:
    """Whether a label is one for strangers, and no name."""
    return GENERIC_NAME.fullmatch(label) is not None


def check_name(speaker: str) -> str:
    """Return a name as it is stored.

    Raises
    ------
    ArgumentError
        It is empty, begins or ends with a space, has characters that cannot be seen, or is a label
        of strangers.
    """
    if not isinstance(speaker, str) or not speaker or speaker != speaker.strip():
        raise ArgumentError(
            f"`speaker` must be a name on one line, without spaces around it, got {speaker!r}"
        )
    hidden = [character for character in speaker if _is_hidden(character)]
    if hidden:
        raise ArgumentError(
            f"`speaker` must be a name on one line, in characters that can be seen, got "
            f"{speaker!r}; leave {hidden[0]!r} out"
        )
    if is_generic(speaker):
        raise ArgumentError(
            f"`speaker` must not be a label of strangers, got {speaker!r}; add to the name"
        )
    return normalize_name(speaker)


def repair_name(speaker: str) -> str:
    r"""Return the name under which an earlier version's entry is kept; most stay as they are.

    Characters that cannot be seen become their escapes, and a label of strangers is marked.

    Examples
    --------
    >>> repair_name("a\tb"), repair_name("unknown")
    ('a\\tb', 'unknown (enrolled)')
    """
    visible = "".join(
        character.encode("unicode_escape").decode() if _is_hidden(character) else character
        for character in speaker
    )
    stripped = normalize_name(visible).strip()
    return f"{stripped} (enrolled)" if is_generic(stripped) else stripped


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE and character not in JOINERS
