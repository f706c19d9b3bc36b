"""Tables that say who speaks in an utterance."""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["UNKNOWN", "read_groups", "read_speakers"]

UNKNOWN = "?"
"""Stands for a speaker whom a table does not name."""


def read_speakers(*tables: Path) -> dict[str, str]:
    """Speaker of every utterance of tables such as ``train.tsv``, ``dev.tsv`` and ``extra.tsv``.

    Where the speaker is unknown it is the cluster that the utterance was found in
    (``pseudo_speaker``), or else :data:`UNKNOWN`.
    """
    speakers: dict[str, str] = {}
    for table in tables:
        with table.open() as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                known = row["speaker"] != UNKNOWN
                speaker = row["speaker"] if known else row["pseudo_speaker"]
                speakers[row["utterance"]] = speaker
    return speakers


def read_groups(table: Path) -> dict[str, str]:
    """Sex and age group of every speaker of a table with a column ``group``; empty without one."""
    with table.open() as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["speaker"]: row["group"] for row in rows if row.get("group")}
