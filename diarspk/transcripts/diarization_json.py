"""Turns of the JSON that a diarization is written as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from diarspk.errors import FormatError
from diarspk.transcripts.fields import Item

__all__ = ["TurnItem", "read_turn_items"]


class TurnItem(NamedTuple):
    """Turn in seconds, and the object of the document that it was read from."""

    start: float
    end: float
    speaker: str
    item: Item


def read_turn_items(name: str) -> tuple[Item, list[TurnItem]]:
    """Read ``{"turns": [{"start", "end", "speaker", ...}], ...}``: the document and its turns.

    Raises
    ------
    FormatError
        If the file cannot be read, or is no diarization.
    """
    try:
        document = Item(json.loads(Path(name).read_bytes().decode("utf-8-sig")), name)
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text; convert the file", name) from None
    except json.JSONDecodeError as error:
        raise FormatError(f"is no JSON ({error.msg}); is it cut off?", name, error.lineno) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; nested too deeply
        raise FormatError("is no JSON that can be read; is it damaged?", name) from None
    items = document.items("turns")
    if items is None:
        raise FormatError("is no diarization: it has no list `turns`", name)
    turns = []
    for item in items:
        start, end, speaker = item.number("start"), item.number("end"), item.speaker()
        if start is None or end is None or speaker is None:
            raise item.fault("", "must have start, end and speaker")
        turns.append(TurnItem(start, end, speaker, item))
    return document, turns
