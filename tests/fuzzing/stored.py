"""Damaged files of this package: ``python -m tests.fuzzing.stored --count 10000``.

Cards of models, calibrations, alignments, embeddings, cues, edits and galleries are read, or
refused in one line; never is another error raised, and never a wrong result taken for a gallery.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pyannote.core import Annotation, Segment

import diarspk
from diarspk.cli.align import _read as read_embeddings
from diarspk.cues.speaker_cue import extract_cue, read_cue, write_cue
from diarspk.editing import EditedDiarization
from diarspk.embeddings.space import Space
from diarspk.verification.alignment import make_alignment, read_alignment, write_alignment
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import create_gallery, open_gallery
from tests.fuzzing.bytes_and_values import damaged, damaged_json, damaged_json_lines
from tests.fuzzing.faults import fault_of
from tests.tiny_model import tone, write_tiny_model

__all__ = ["KINDS", "fuzz"]

SPACE = Space("abc", 8, "toy")


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is written into a folder, which file is damaged, how it is read."""

    write: Callable[[Path], Any]
    file: str
    read: Callable[[Path], Any]
    damage: Callable[[bytes, random.Random], bytes] = damaged


def _write_alignment(folder: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    made = make_alignment("procrustes-m2", SPACE, Space("def", 8, "other"))
    made.fit(rows, rows[:, ::-1].copy(), None)
    write_alignment(made, folder / "alignment.json")


def _write_embeddings(folder: Path) -> None:
    np.savez(
        folder / "vectors.npz",
        vectors=np.eye(8, dtype=np.float32),
        files=np.array([f"{number}.wav" for number in range(8)]),
        spans=np.tile([0.0, 2.0], (8, 1)),
        model=np.array("toy"),
        fingerprint=np.array("abc"),
    )


def _write_cue(folder: Path) -> None:
    encoder = diarspk.load_encoder(write_tiny_model(folder))
    write_cue(extract_cue(tone("ann"), encoder, 16000), folder / "cue.npz")


def _write_gallery(folder: Path) -> None:
    with create_gallery(folder / "people", SPACE) as people:
        for number in range(20):
            row = np.random.default_rng(number).normal(size=8).astype(np.float32)
            people.enroll(f"person {number}", row, fingerprint="abc")


def _write_edits(folder: Path) -> None:
    annotation = Annotation(uri="talk")
    for second, speaker in enumerate("abacabad"):
        annotation[Segment(second, second + 1.5), second] = speaker
    edited = EditedDiarization.of(annotation, duration=10.0).reassign([0, 4], "Zo\u00eb")
    edited = edited.reassign_span(2.5, 6.25, "ann").rename({"b": "ben"}).merge(["a", "d"])
    edited = edited.add_turn(8.0, 9.0, "eve").split_turn(1, 2.0).delete(2).adopt(annotation)
    edited.move_boundary(0, end=1.25).mark_reviewed(0).undo().save(folder / "talk.edits.jsonl")


def _use_edits(file: Path) -> None:
    edited = EditedDiarization.load(file)
    edited.save(file)
    assert EditedDiarization.load(file) == edited
    while edited.log.undone:
        edited = edited.redo()
    while edited.log.steps:
        edited = edited.undo()
    assert edited.turns == edited.log.base.listed


def _use_gallery(file: Path) -> None:
    with open_gallery(file.parent) as people:
        people.people()
        people.search(np.ones(8, np.float32), fingerprint="abc", limit=3)
        people.enroll("somebody", np.ones(8, np.float32), fingerprint="abc")


KINDS: dict[str, Kind] = {
    "card": Kind(write_tiny_model, "tiny.json", diarspk.load_encoder, damaged_json),
    "weights": Kind(
        write_tiny_model,
        "tiny.safetensors",
        lambda file: diarspk.load_encoder(file.with_suffix(".json")),
    ),
    "calibration": Kind(
        lambda folder: ScoreCalibration(20.0, -10.0, {}, "abc").write(folder / "calibration.json"),
        "calibration.json",
        ScoreCalibration.read,
        damaged_json,
    ),
    "alignment": Kind(_write_alignment, "alignment.json", read_alignment, damaged_json),
    "embeddings": Kind(_write_embeddings, "vectors.npz", read_embeddings),
    "cue": Kind(_write_cue, "cue.npz", read_cue),
    "edits": Kind(_write_edits, "talk.edits.jsonl", _use_edits, damaged_json_lines),
    "gallery": Kind(_write_gallery, "people/gallery.sqlite", _use_gallery),
}


@cache
def _whole(name: str) -> Path:
    folder = Path(tempfile.mkdtemp())
    KINDS[name].write(folder)
    return folder


def fuzz(name: str, count: int, seed: int) -> Counter[str]:
    """Read so many damaged files; counts of those that were read and refused."""
    kind = KINDS[name]
    rng = random.Random(f"{name} {seed}")
    counts: Counter[str] = Counter()
    for _ in range(count):
        folder = Path(tempfile.mkdtemp())
        shutil.copytree(_whole(name), folder, dirs_exist_ok=True)
        file = folder / kind.file
        file.write_bytes(kind.damage(file.read_bytes(), rng))
        try:
            fault = fault_of(kind.read, file)
        except Exception:
            print(f"{name}: the file is {file}")
            raise
        counts["refused" if fault else "read"] += 1
        shutil.rmtree(folder)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files over all kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=sorted(KINDS), help="of one kind only")
    options = parser.parse_args()
    names = list(KINDS) if options.kind is None else [options.kind]
    for name in names:
        print(
            f"{name:12} {dict(fuzz(name, options.count // len(names), options.seed))}", flush=True
        )
        shutil.rmtree(_whole(name))


if __name__ == "__main__":
    main()
