"""What stays in a folder of tracks, and what a new extraction removes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from diarspk.errors import DiarspkWarning
from tse.track_folder import LISTING, write_listing


def listing(*names: str) -> dict[str, object]:
    return {"tracks": [{"file": name} for name in names]}


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"sound")
    write_listing(folder, listing(*names), [folder / name for name in names])


def test_tracks_of_an_earlier_extraction_are_removed_and_told(tmp_path: Path) -> None:
    write(tmp_path, "A.wav", "B.wav")
    with pytest.warns(DiarspkWarning, match=f"{tmp_path}: removed B.wav, left of an earlier"):
        write(tmp_path, "A.wav")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["A.wav", LISTING]
    assert json.loads((tmp_path / LISTING).read_text()) == listing("A.wav")


def test_the_same_again_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(tmp_path, "A.wav")
        write(tmp_path, "A.wav")


def test_sounds_of_others_stay_and_are_told(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_bytes(b"mine")
    with pytest.warns(DiarspkWarning, match=r"also holds mine.wav, not of this extraction"):
        write(tmp_path, "A.wav")
    assert (tmp_path / "mine.wav").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "text",
    [
        "no list",
        "[]",
        '{"tracks": 3}',
        '{"tracks": [{"file": "../out.wav"}, {"file": 5}, {"file": "notes.txt"}]}',
        '{"tracks": [{"file": "/etc/x.wav"}]}',
    ],
)
def test_a_list_from_elsewhere_removes_nothing_outside(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "tracks"
    folder.mkdir()
    for kept in (tmp_path / "out.wav", folder / "notes.txt"):
        kept.write_text("kept")
    (folder / LISTING).write_text(text)
    write(folder, "A.wav")
    assert (tmp_path / "out.wav").is_file() and (folder / "notes.txt").is_file()
    assert json.loads((folder / LISTING).read_text()) == listing("A.wav")
