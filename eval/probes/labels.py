"""Labels of the utterances of a split, and the tasks of the probes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from diarspk.errors import FormatError

__all__ = ["TASKS", "Record", "Task", "age_group", "draw_records", "read_records"]

DECADES = {
    "teens": "13-19",
    "twenties": "20-39",
    "thirties": "20-39",
    "fourties": "40 and over",  # as Common Voice spells it
    "fifties": "40 and over",
    "sixties": "40 and over",
    "seventies": "40 and over",
    "eighties": "40 and over",
    "nineties": "40 and over",
}
BOUNDS = ((13, "under 13"), (20, "13-19"), (40, "20-39"))
"""Years below which a group ends, as many corpora give ages."""


@dataclass(frozen=True)
class Record:
    """An utterance as the table lists it; what is not known is empty."""

    name: str
    speaker: str
    corpus: str = ""
    language: str = ""
    gender: str = ""
    age: str = ""


@dataclass(frozen=True)
class Task:
    """A question that a probe asks of a cue.

    Attributes
    ----------
    name : str
    label : callable
        Record -> answer; empty where it is not known.
    apart : {"speakers", "utterances"}
        What the probe is fitted on and tested on never share. Only the speaker itself has to be
        asked of speakers that were seen.
    corpora : tuple of str
        Only utterances of these are asked; of all if empty. It keeps a question from being
        answered by the sound of a corpus.
    """

    name: str
    label: Callable[[Record], str]
    apart: Literal["speakers", "utterances"] = "speakers"
    corpora: tuple[str, ...] = ()

    def answers(self, records: Sequence[Record]) -> list[str]:
        """Answers in the order of the records, empty where there is none."""
        return [
            self.label(one) if not self.corpora or one.corpus in self.corpora else ""
            for one in records
        ]


def age_group(age: str) -> str:
    """Group of an age in years, or of one of Common Voice's decades; empty if not known.

    Examples
    --------
    >>> age_group("12"), age_group("13"), age_group("thirties"), age_group("")
    ('under 13', '13-19', '20-39', '')
    """
    if not age.isdigit():
        return DECADES.get(age, "")
    return next((name for bound, name in BOUNDS if int(age) < bound), "40 and over")


TASKS = (
    Task("speaker", lambda one: one.speaker, "utterances"),
    Task("gender", lambda one: one.gender),
    Task("age group", lambda one: age_group(one.age)),
    Task("language", lambda one: one.language, corpora=("common-voice",)),
    Task("corpus", lambda one: one.corpus),
)
"""Language within one corpus only: elsewhere a corpus is a language. The corpus stands for the
session: device, room and coding."""


def read_records(folder: Path, split: str) -> list[Record]:
    """Read a table ``SPLIT.tsv``; columns that it lacks are not known of any utterance.

    Raises
    ------
    FormatError
        If the table is missing, or lacks the columns ``utterance`` and ``speaker``.
    """
    table = folder / f"{split}.tsv"
    if not table.is_file():
        raise FormatError(f"no such file; {folder} has no split `{split}`", str(table))
    with table.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        if missing := {"utterance", "speaker"} - set(reader.fieldnames or ()):
            raise FormatError(f"has no column {', '.join(sorted(missing))}", str(table))
        known = ("corpus", "language", "gender", "age")
        return [
            Record(row["utterance"], row["speaker"], *(row.get(name) or "" for name in known))
            for row in reader
        ]


def draw_records(
    records: Sequence[Record], speakers: int | None, each: int | None, *, seed: int = 0
) -> list[Record]:
    """Draw so many speakers, and of each the first few utterances; the order stays."""
    names = sorted({one.speaker for one in records})
    drawn = np.random.default_rng(seed).permutation(names)[:speakers]
    left = dict.fromkeys(drawn.tolist(), len(records) if each is None else each)
    chosen = []
    for one in records:
        if left.get(one.speaker, 0) > 0:
            left[one.speaker] -= 1
            chosen.append(one)
    return chosen
