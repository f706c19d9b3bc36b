"""Words of a text, and the place of given words in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diarspk.transcripts.word import Word

__all__ = ["ends_sentence", "join_words", "place_words", "split_text"]

UNSPACED = "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters and kana, which no space divides into words: each is a word of its own."""

CLOSING = "\u3001\u3002\uff01\uff0c\uff0e\uff1a\uff1b\uff1f\u300d\u300f\uff09\u3011\u30fc\u3005"
"""Signs that belong to the character before them."""

WORD = re.compile(rf"(\s*)([{UNSPACED}][{CLOSING}]*|[^\s{UNSPACED}]+)")
SENTENCE_END = re.compile(r"[.?!\u2026\u3002\uff01\uff1f\u061f\u0964][\"'\u201d\u2019\u00bb)\]]*$")


def split_text(text: str) -> list[Word]:
    """Split a text into words without times; white space at its end is dropped.

    Examples
    --------
    >>> [(word.before, word.text) for word in split_text(" Well,  yes")]
    [(' ', 'Well,'), ('  ', 'yes')]
    """
    return [Word(found[2], before=found[1]) for found in WORD.finditer(text)]


def place_words(text: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Find words in the text of their segment: what stands before and after each of them.

    Of what lies between two words, signs up to the first white space belong to the former. If a
    word is not found, the text is not made of these words, and a space is put before each that does
    not begin with one.

    Examples
    --------
    >>> place_words('He said, "no".', ["He", "said", "no"])
    [('', ''), (' ', ','), (' "', '".')]
    """
    spans: list[tuple[int, int]] = []
    position = 0
    for word in words:
        core = word.strip()
        found = text.find(core, position)
        if found < 0:
            return [("" if word[:1].isspace() or not word else " ", "") for word in words]
        position = found + len(core)
        spans.append((found, position))
    before: list[str] = []
    after: list[str] = []
    position = 0
    for word, (start, end) in zip(words, spans, strict=True):
        gap = text[position:start]
        closing = re.split(r"\s", gap, maxsplit=1)[0] if before else ""
        if before:
            after.append(closing)
        own = word[: len(word) - len(word.lstrip())]  # the word brings this white space itself
        before.append(gap[len(closing) :].removesuffix(own))
        position = end
    after.append(text[position:].rstrip())
    return list(zip(before, after, strict=False))


def join_words(words: Sequence[Word]) -> str:
    """Join words to a text, without white space at its ends.

    Examples
    --------
    >>> join_words([Word("Well", after=","), Word("yes", after=".")])
    'Well, yes.'
    """
    return "".join(word.before + word.text + word.after for word in words).strip()


def ends_sentence(word: Word) -> bool:
    """Whether a word ends with the sign that ends a sentence."""
    return bool(SENTENCE_END.search((word.text + word.after).rstrip()))
