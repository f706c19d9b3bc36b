from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from diarspk.errors import FormatError
from eval.embeddings.speech import consecutive_crops, read_utterances

UTTERANCES = {"b-1": ("ben", 0.5), "a-1": ("anna", -0.25)}
"""Name -> speaker and constant level; not in alphabetical order."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["utterance\tspeaker\tshard"]
    with tarfile.open(tmp_path / "dev-00.tar", "w") as archive:
        for name, (speaker, level) in UTTERANCES.items():
            encoded = io.BytesIO()
            soundfile.write(encoded, np.full(1600, level), 16000, format="FLAC")
            member = tarfile.TarInfo(f"{name}.opus")
            member.size = encoded.seek(0, io.SEEK_END)
            encoded.seek(0)
            archive.addfile(member, encoded)
            lines.append(f"{name}\t{speaker}\tdev-00.tar")
    (tmp_path / "dev.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_reads_shards_in_the_order_of_the_table(folder: Path) -> None:
    utterances = list(read_utterances(folder, "dev"))
    assert [(one.name, one.speaker) for one in utterances] == [("b-1", "ben"), ("a-1", "anna")]
    for one in utterances:
        assert one.waveform == pytest.approx(np.full(1600, UTTERANCES[one.name][1]), abs=1e-4)


def test_only_what_is_named_is_decoded(folder: Path) -> None:
    with (folder / "dev.tsv").open("a") as table:
        table.write("c-1\tcarl\tdev-00.tar\n")  # is in no shard
    assert [one.name for one in read_utterances(folder, "dev", names={"a-1"})] == ["a-1"]
    assert list(read_utterances(folder, "dev", names=())) == []


def test_missing_split(folder: Path) -> None:
    with pytest.raises(FormatError, match=r"train\.tsv: no such file"):
        list(read_utterances(folder, "train"))


def test_utterance_missing_from_its_shard(folder: Path) -> None:
    with (folder / "dev.tsv").open("a") as table:
        table.write("c-1\tcarl\tdev-00.tar\n")
    with pytest.raises(FormatError, match=r"has no member c-1\.opus"):
        list(read_utterances(folder, "dev"))


@given(st.integers(0, 200), st.integers(1, 50), st.integers(1, 5))
def test_crops_are_full_consecutive_and_few(time: int, length: int, limit: int) -> None:
    waveform = np.arange(time, dtype=np.float32)
    crops = consecutive_crops(waveform, length, limit=limit)
    assert len(crops) == min(limit, time // length)
    joined = np.concatenate([np.zeros(0), *crops])
    assert np.array_equal(joined, waveform[: len(crops) * length])
