"""Utterances with speaker labels: a table ``SPLIT.tsv`` and tar shards of ``UTTERANCE.opus``."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import load_audio
from diarspk.errors import FormatError

__all__ = ["Utterance", "consecutive_crops", "read_utterances"]


@dataclass(frozen=True, eq=False)
class Utterance:
    """A waveform ``(time,)`` at 16 kHz and who speaks in it."""

    name: str
    speaker: str
    waveform: NDArray[np.float32]


@dataclass(frozen=True)
class SplitSettings:
    """Utterances of labelled speakers."""

    data: Path
    """Folder of utterances in shards."""
    split: str = "dev"
    """Split of the speakers."""

    def read(self) -> list[Utterance]:
        """Read all utterances of the split."""
        return list(read_utterances(self.data, self.split))


def read_utterances(
    folder: Path, split: str, *, names: Container[str] | None = None
) -> Iterator[Utterance]:
    """Decode a split from its shards in memory, in the order of its table.

    Parameters
    ----------
    names : container of str, optional
        Only these utterances are decoded.

    Raises
    ------
    FormatError
        If the table is missing, or a shard lacks an utterance that the table lists.
    """
    table = folder / f"{split}.tsv"
    if not table.is_file():
        raise FormatError(f"no such file; {folder} has no split `{split}`", str(table))
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [
            row
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            if names is None or row["utterance"] in names
        ]
    for shard, group in groupby(rows, itemgetter("shard")):
        with tarfile.open(folder / shard) as archive:
            for row in group:
                yield _decode(archive, row["utterance"], row["speaker"])


def consecutive_crops(
    waveform: NDArray[np.float32], length_samples: int, *, limit: int = 4
) -> list[NDArray[np.float32]]:
    """Cut full crops one after the other from the start, at most ``limit``; the rest is left."""
    count = min(limit, len(waveform) // length_samples)
    return [waveform[i * length_samples : (i + 1) * length_samples] for i in range(count)]


def _decode(archive: tarfile.TarFile, name: str, speaker: str) -> Utterance:
    try:
        member = archive.extractfile(f"{name}.opus")
    except KeyError:
        member = None
    if member is None:
        raise FormatError(f"has no member {name}.opus", str(archive.name))
    with member:
        return Utterance(name, speaker, load_audio(io.BytesIO(member.read())))
