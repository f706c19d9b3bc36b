"""Unpack tar shards of speech with their tables into recordings and lhotse's manifests of cuts.

    python -m recipes.zoo.cuts --data ../shared/speech --output CUTS

Writes CUTS/train.jsonl.gz and CUTS/test.jsonl.gz, of train.tsv and dev.tsv, for networks that read
the waveform.
"""

from __future__ import annotations

import csv
import tarfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diarspk.errors import ArgumentError
from eval.command_line import command

PARTS = {"train": "train.tsv", "test": "dev.tsv"}


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with train.tsv, dev.tsv and the shards that they name."""
    output: Path
    """Folder to write."""
    speakers: int | None = None
    """Take so many training speakers, spread evenly; none: all."""


@command
def main(settings: Settings) -> None:
    from lhotse import CutSet

    for part, table in PARTS.items():
        rows = _read_table(settings.data / table)
        if part == "train" and settings.speakers is not None:
            rows = _some_speakers(rows, settings.speakers)
        folder = settings.output / part
        folder.mkdir(parents=True, exist_ok=True)
        _unpack(rows, settings.data, folder)
        cuts = CutSet.from_cuts(_cut(row, folder) for row in rows)
        cuts.to_file(settings.output / f"{part}.jsonl.gz")
        print(f"{part}: {len(rows)} recordings of {len({row['speaker'] for row in rows})} speakers")


def _read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if not rows or not {"utterance", "speaker", "shard"} <= rows[0].keys():
        raise ArgumentError(f"{path}: must have the columns utterance, speaker and shard")
    return rows


def _some_speakers(rows: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    names = sorted({row["speaker"] for row in rows})
    chosen = set(names[:: max(len(names) // count, 1)][:count])
    return [row for row in rows if row["speaker"] in chosen]


def _unpack(rows: list[dict[str, str]], data: Path, folder: Path) -> None:
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        wanted[row["shard"]].add(f"{row['utterance']}.opus")
    for shard, names in wanted.items():
        with tarfile.open(data / shard) as archive:
            for member in archive:
                if member.name in names and (stream := archive.extractfile(member)) is not None:
                    (folder / member.name).write_bytes(stream.read())


def _cut(row: dict[str, str], folder: Path) -> Any:
    from lhotse import Recording, SupervisionSegment
    from lhotse.cut import MonoCut

    name = row["utterance"]
    recording = Recording.from_file(folder / f"{name}.opus", recording_id=name)
    said = SupervisionSegment(name, name, 0.0, recording.duration, speaker=row["speaker"])
    return MonoCut(name, 0.0, recording.duration, 0, recording=recording, supervisions=[said])


if __name__ == "__main__":
    raise SystemExit(main())
