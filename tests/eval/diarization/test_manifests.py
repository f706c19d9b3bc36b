"""Manifests of lhotse as data sets: by hand, and as lhotse itself writes them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.errors import FormatError
from eval.diarization.conversations import read_conversations
from eval.diarization.manifests import data_set_name, read_manifests


def recording(audio: Path, name: str = "ES2011a", **changes: Any) -> dict[str, Any]:
    source = {"type": "file", "channels": [0], "source": str(audio)}
    return {"id": name, "sources": [source], "sampling_rate": 16000, "duration": 4.0, **changes}


def supervision(start: float, duration: float, speaker: str | None = "a") -> dict[str, Any]:
    return {
        **{"id": f"{start}", "recording_id": "ES2011a", "channel": 0},
        **{"start": start, "duration": duration, "speaker": speaker},
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "mix.wav", np.zeros(64000), 16000)
    write(tmp_path / "ami_recordings_test.jsonl.gz", [recording(tmp_path / "mix.wav")])
    turns = [supervision(0, 2), supervision(1.5, 2, "b"), supervision(3, 0)]
    write(tmp_path / "ami_supervisions_test.jsonl.gz", turns)
    return tmp_path / "ami_recordings_test.jsonl.gz"


def write(path: Path, items: list[dict[str, Any]]) -> None:
    path.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in items).encode()))


def test_a_manifest_is_a_data_set(manifest: Path) -> None:
    (found,) = read_conversations(manifest)
    assert (found.name, found.audio.name, found.duration) == ("ES2011a", "mix.wav", 4.0)
    turns = [(*segment, label) for segment, _, label in found.reference.itertracks(True)]
    assert turns == [(0, 2, "a"), (1.5, 3.5, "b")]
    assert found.reference.uri == "ES2011a"
    assert data_set_name(manifest) == "ami_test"
    assert data_set_name(Path("data/ami")) == "ami"


def test_paths_may_start_at_the_manifest(manifest: Path) -> None:
    write(manifest, [recording(Path("mix.wav"))])
    assert read_manifests(manifest)[0].audio == manifest.parent / "mix.wav"


def test_a_recording_without_turns_is_silent(manifest: Path) -> None:
    audio = manifest.parent / "mix.wav"
    write(manifest, [recording(audio, "silent"), recording(audio)])
    assert [len(one.reference) for one in read_manifests(manifest)] == [2, 0]


def test_faults_are_named(manifest: Path) -> None:
    audio = manifest.parent / "mix.wav"
    two = recording(audio)["sources"] * 2
    cases = [
        ([recording(audio, sources=two)], r"test\.jsonl\.gz:1: must be one file"),
        ([recording(audio), recording(Path("no.wav"))], r":2: no such file: no\.wav"),
        ([{"id": "ES2011a"}], ":1: has no sources, duration"),
        ([], "holds no recording"),
    ]
    for items, message in cases:
        write(manifest, items)
        with pytest.raises(FormatError, match=message):
            read_manifests(manifest)
    manifest.write_bytes(b"no gzip")
    with pytest.raises(FormatError, match="cannot be read"):
        read_manifests(manifest)
    with pytest.raises(FormatError, match="a manifest of recordings"):
        read_manifests(manifest.with_name("cuts.jsonl"))


def test_as_lhotse_writes_them(tmp_path: Path) -> None:
    lhotse = pytest.importorskip("lhotse", reason="lhotse is not installed")
    soundfile.write(tmp_path / "one.wav", np.zeros(48000), 16000)
    recordings = lhotse.RecordingSet.from_recordings(
        [lhotse.Recording.from_file(tmp_path / "one.wav", recording_id="one")]
    )
    turn = lhotse.SupervisionSegment(id="t", recording_id="one", start=0.5, duration=1, speaker="a")
    recordings.to_file(tmp_path / "recordings.jsonl")
    lhotse.SupervisionSet.from_segments([turn]).to_file(tmp_path / "supervisions.jsonl")
    (found,) = read_manifests(tmp_path / "recordings.jsonl")
    assert (found.name, found.duration) == ("one", 3.0)
    assert [tuple(segment) for segment in found.reference.itersegments()] == [(0.5, 1.5)]
