"""Plain text and Markdown of a transcript: a paragraph for each speaker in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from diarspk.transcripts.transcript import Transcript

__all__ = ["write_markdown", "write_text"]

NOBODY = "?"
"""Name of nobody."""


def write_text(transcript: Transcript, stream: TextIO) -> None:
    """Write a line for each paragraph, ``Name: text``."""
    for name, _, text in _paragraphs(transcript):
        stream.write(f"{name}: {text}\n")


def write_markdown(transcript: Transcript, stream: TextIO) -> None:
    r"""Write Markdown: ``**Name** [0:01:05]``, then the text, whose special signs get a ``\``."""
    for name, start, text in _paragraphs(transcript):
        rest, seconds = divmod(int(start), 60)
        hours, minutes = divmod(rest, 60)
        stream.write(f"**{_escape(name)}** \\[{hours}:{minutes:02}:{seconds:02}\\]\n\n")
        # A line must not begin as a list or a heading does.
        text = re.sub(r"^(\d+)([.)])|^([+\-=])", r"\1\\\2\3", _escape(text))
        stream.write(f"{text}\n\n")


def _paragraphs(transcript: Transcript) -> Iterator[tuple[str, float, str]]:
    """Yield name, start in seconds, and text on one line, of what shows a text."""
    for speaker, utterances in transcript.paragraphs():
        text = " ".join(" ".join(one.text for one in utterances).split())
        if text:
            name = NOBODY if speaker is None else " ".join(speaker.split())
            yield name, utterances[0].start, text


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#~|&])", r"\\\1", text)
