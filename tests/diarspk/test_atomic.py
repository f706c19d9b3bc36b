"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from diarspk.atomic import atomic_path, check_replaceable

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_gets_its_content_when_the_block_ends(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("old")
    with atomic_path(file, durable=durable) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_is_raised_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("old")
    with pytest.raises(error), atomic_path(file) as part:
        part.write_text("ne")
        raise error
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_folder_appears_whole_and_a_failed_one_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), atomic_path(tmp_path / "index") as part:
        part.mkdir()
        (part / "a").write_text("1")
        raise ValueError("stop")
    assert os.listdir(tmp_path) == []
    with atomic_path(tmp_path / "index", durable=True) as part:
        part.mkdir()
        (part / "a").write_text("1")
    assert (tmp_path / "index" / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["index"]


def test_the_temporary_file_matches_no_pattern_of_the_target(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "meeting.wav") as part:
        part.write_bytes(b"RIFF")
        assert not list(tmp_path.glob("*.wav"))


def test_an_error_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "notes.txt"
    with pytest.raises(FileNotFoundError) as caught, atomic_path(file) as part:
        part.write_text("new")
    assert caught.value.filename == str(file)
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "never"):
        pass  # nobody wrote anything
    assert caught.value.filename == str(tmp_path / "never")


def test_errors_about_other_files_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "notes.txt"):
        (tmp_path / "source.txt").read_text()
    assert caught.value.filename == str(tmp_path / "source.txt")


def test_the_longest_name_that_a_file_may_have_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / ("ä" * 127)
    with atomic_path(file) as part:
        part.write_text("new")
    assert file.read_text() == "new"


@POSIX
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    plain, file = tmp_path / "plain", tmp_path / "notes.txt"
    plain.write_text("")
    with atomic_path(file) as part:
        part.write_text("new")
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@POSIX
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("old")
    file.chmod(0o640)
    with atomic_path(file) as part:
        part.write_text("new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@POSIX
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "notes.txt", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    with atomic_path(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_threads_that_write_one_file_leave_it_whole(tmp_path: Path) -> None:
    file = tmp_path / "vectors.npy"

    def write(value: int) -> None:
        with atomic_path(file) as part, part.open("wb") as stream:
            np.save(stream, np.full(20_000, value))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(32)))
    assert len(set(np.load(file).tolist())) == 1
    assert os.listdir(tmp_path) == ["vectors.npy"]


def test_what_could_not_be_written_is_told_before(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "notes.txt"
    file.write_text("old")
    check_replaceable(file)
    check_replaceable(tmp_path / "new.txt")
    assert file.read_text() == "old"
    for wrong, error in (
        (tmp_path / "folder", IsADirectoryError),
        (tmp_path / "missing" / "notes.txt", FileNotFoundError),
        (file / "notes.txt", OSError),
    ):
        with pytest.raises(error) as caught:
            check_replaceable(wrong)
        assert caught.value.filename == str(wrong)
    assert sorted(os.listdir(tmp_path)) == ["folder", "notes.txt"]
