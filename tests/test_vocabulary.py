"""The code speaks the field's language: words that were private to its makers stay out."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

FOLDERS = ("diarspk", "tse", "eval", "recipes", "tests", "examples")

TEXT = {
    "hear": "compute, embed, process",
    "hears": "computes, reads",
    "heard": "computed, embedded",
    "hearing": "pass",
    "hearings": "passes",
    "listen": "compute, first pass",
    "listens": "computes",
    "listened": "computed",
    "ghost": "spurious speaker",
    "ghosts": "spurious speakers",
    "likeness": "similarity",
    "stitching": "reconstruction",
    "stitch": "reconstruct",
}
"""Words that no text in the code may hold, and what to write instead."""

IDENTIFIERS = {
    "knowledge": "constraints",
    "assemble": "reconstruct",
    "evidence": "features",
    "shipped": "default, asset",
    "packaged": "assets",
    "foreign": "pretrained",
    "frontends": "front_ends, s3prl",
    "pose": "validate",
    "enrol": "enroll",
    "proposals": "initial_labels",
}
"""Parts of identifiers that no name may have, and what to write instead."""

CONSTANTS = {
    "FEWEST": "MIN",
    "MOST": "MAX",
    "LEAST": "MIN",
    "SHORTEST": "MIN",
    "LONGEST": "MAX",
    "SUREST": "MAX",
}
"""Parts of the names of constants, and what to write instead."""

STORED = {("diarspk/segmentation/target_speaker_vad.py", "hear")}
"""Words that files written earlier hold, translated where they are read."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if path.name != Path(__file__).name]


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_speaks_the_language_of_the_field(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    faults = [
        f"line {number}: {word!r}; write {TEXT[word.lower()]}"
        for number, line in enumerate(source.splitlines(), 1)
        for word in WORD.findall(line)
        if word.lower() in TEXT and (path.relative_to(ROOT).as_posix(), word) not in STORED
    ]
    faults += [
        f"line {number}: {name!r} has {part!r}; write {IDENTIFIERS[part.lower()]}"
        for number, name in identifiers(source)
        for part in WORD.findall(name)
        if part.lower() in IDENTIFIERS
    ]
    faults += [
        f"line {number}: {name!r}; write {CONSTANTS[part]}_"
        for number, name in identifiers(source)
        if name.isupper()
        for part in name.split("_")
        if part in CONSTANTS
    ]
    assert not faults, "\n".join(faults)
