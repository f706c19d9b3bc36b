"""A little of each kind of fuzzing; the commands in tests/README.md do a lot of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.checkpoints.checkpoint import read_card
from diarspk.formats import lint_rttm, lint_uem, read_rttm
from diarspk.formats.names import plain_name
from diarspk.transcripts import read_transcript
from diarspk.verification.calibration import ScoreCalibration
from tests.fuzzing import audio, stored, text
from tests.fuzzing.faults import fault_of

QUICK = settings(max_examples=60, deadline=None)
LINES = 300
FILES = 12
RECORDINGS = 200

contents = st.binary(max_size=200) | st.text(max_size=100).map(
    lambda content: content.encode("utf-8", "surrogatepass")
)
keys = st.sampled_from(["segments", "words", "word", "start", "end", "text", "speaker", "scale"])
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzing")


@pytest.mark.parametrize("name", text.READERS)
def test_faulty_lines(name: str, tmp_path: Path) -> None:
    counts = text.fuzz(name, LINES, 0, tmp_path)
    assert counts["lines"] >= LINES
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", stored.KINDS)
def test_damaged_files_of_this_package(name: str) -> None:
    assert sum(stored.fuzz(name, FILES, 0).values()) == FILES


@pytest.mark.parametrize("name", audio.FORMATS)
def test_damaged_recordings(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    count = -(-RECORDINGS // len(audio.FORMATS))
    assert sum(audio.fuzz(name, count, 0, tmp_path).values()) == count
    assert capfd.readouterr() == ("", "")  # the libraries write nothing of their own


@given(content=contents)
@QUICK
def test_any_bytes_as_annotations(folder: Path, content: bytes) -> None:
    file = folder / "any.rttm"
    file.write_bytes(content)
    refused = fault_of(read_rttm, file)
    errors = [one for one in lint_rttm(file) if one.severity == "error"]
    assert errors or not refused  # what scoring refuses is found beforehand
    lint_uem(file)


@given(document=documents)
@QUICK
def test_any_json(folder: Path, document: Any) -> None:
    file = folder / "any.json"
    file.write_text(json.dumps(document))
    for read in (read_transcript, read_card, ScoreCalibration.read):
        fault_of(read, file)


@given(content=contents)
@QUICK
def test_any_bytes_as_transcripts(folder: Path, content: bytes) -> None:
    for suffix in ("json", "srt", "vtt", "ctm", "stm"):
        file = folder / f"any.{suffix}"
        file.write_bytes(content)
        fault_of(read_transcript, file)


@given(name=st.text(st.characters(exclude_categories=()), max_size=20))
@QUICK
def test_a_plain_name_is_text_and_stays_as_it_is(name: str) -> None:
    once = plain_name(name)
    assert once.encode().decode() == once == plain_name(once)
