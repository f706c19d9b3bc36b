"""Groups of speakers by what a table says of them: corpus, sex, range of ages."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diarspk.errors import FormatError

__all__ = ["SpeakerFacts", "age_range", "choose_utterances", "read_facts"]

CHILD, TEEN = 13, 20
"""Ages from which a speaker is in the teens, and an adult."""

DECADES = {"teens": 13}
"""Common Voice's names of ages that are no adults; the others are `twenties` and so on."""


@dataclass(frozen=True)
class SpeakerFacts:
    """What a table says of the speaker of an utterance; texts are empty where it says nothing."""

    speaker: str
    corpus: str
    sex: str
    ages: str

    @property
    def sex_group(self) -> str:
        """Corpus and sex; empty without a sex."""
        return f"{self.corpus}, {self.sex}" if self.sex else ""

    @property
    def age_group(self) -> str:
        """Corpus, sex and range of ages; empty without one of them."""
        return f"{self.sex_group}, {self.ages}" if self.sex and self.ages else ""


def read_facts(table: Path) -> dict[str, SpeakerFacts]:
    """Read the facts about every utterance of a split, in the order of its table.

    Raises
    ------
    FormatError
        If the table is missing, or has no such columns.
    """
    if not table.is_file():
        raise FormatError("no such file; see that the split is there", str(table))
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    try:
        return {
            row["utterance"]: SpeakerFacts(
                row["speaker"],
                row["corpus"],
                {"f": "women", "m": "men"}.get(row["gender"], ""),
                age_range(row["age"]),
            )
            for row in rows
        }
    except KeyError as error:
        raise FormatError(f"has no column {error}", str(table)) from None


def age_range(age: str) -> str:
    """Range of an age in years, or of a decade such as `twenties`; empty without one.

    Examples
    --------
    >>> [age_range(age) for age in ("9", "teens", "15", "fifties", "30", "")]
    ['children', 'teens', 'teens', 'adults', 'adults', '']
    """
    if not age:
        return ""
    years = int(age) if age.isdigit() else DECADES.get(age, TEEN)
    return "children" if years < CHILD else "teens" if years < TEEN else "adults"


def choose_utterances(
    facts: Mapping[str, SpeakerFacts], *, speakers: int, utterances: int, seed: int = 0
) -> dict[str, str]:
    """Choose utterances so that no group of one corpus and sex has many more than the others.

    Speakers with a single utterance are left out.

    Parameters
    ----------
    speakers, utterances : int
        Most speakers of a group, and most utterances of a speaker.

    Returns
    -------
    dict of str to str
        Group of each chosen utterance.
    """
    own: dict[str, list[str]] = {}
    for name, one in facts.items():
        if one.sex_group:
            own.setdefault(one.speaker, []).append(name)
    groups: dict[str, list[str]] = {}
    for speaker, names in own.items():
        if len(names) > 1:
            groups.setdefault(facts[names[0]].sex_group, []).append(speaker)
    random = np.random.default_rng(seed)
    chosen = {}
    for group in sorted(groups):
        listed = sorted(groups[group])
        for index in random.permutation(len(listed))[:speakers]:
            chosen.update(dict.fromkeys(own[listed[index]][:utterances], group))
    return chosen
