"""Creation and opening: whole or not at all, on volumes that are full or read-only."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diarspk.embeddings.space import Space
from diarspk.errors import DiarspkError, ModelError
from diarspk.verification.gallery import create_gallery, open_gallery
from diarspk.verification.gallery.opening import new_gallery
from tests.diarspk.verification.gallery.volumes import run_with_mounts

SPACE = Space("abc", 3, "toy")
EYE = np.eye(3, dtype=np.float32)
VERSION_1 = Path(__file__).with_name("version_1.sql")

ON_A_FULL_VOLUME = """
from pathlib import Path
import numpy as np
from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery import open_gallery
from diarspk.verification.gallery.opening import new_gallery

volume = Path("/mnt")
failed = 0
for free in range(0, 90_000, 3_000):
    (volume / "filler").write_bytes(b"x" * (100_000 - free))
    try:
        with new_gallery(volume / "a" / "b", Space("abc", 512)) as people:
            people.enroll("ann", np.eye(512)[:6], fingerprint="abc")
    except ModelError as error:
        assert str(error).startswith("/mnt/a/b/gallery.sqlite: "), error
        assert "has room" in str(error), error
        failed += 1
        assert [path.name for path in volume.iterdir()] == ["filler"]
        (volume / "filler").unlink()
    else:
        (volume / "filler").unlink()
        break
with open_gallery(volume / "a" / "b") as people:
    assert people.references(fingerprint="abc")["ann"].shape == (6, 512)
print(failed)
"""

ON_A_READ_ONLY_VOLUME = """
import sys
import numpy as np
from diarspk.errors import ModelError
from diarspk.verification.gallery import open_gallery

with open_gallery("/mnt") as people:
    print([person.speaker for person in people.people()])
    print(people.search(np.eye(3)[1], fingerprint="abc", limit=1)[0].speaker)
    for change in (lambda: people.enroll("eve", np.eye(3)[1], fingerprint="abc"),
                   lambda: people.remove("ann")):
        try:
            change()
        except ModelError as error:
            print("not changed" in str(error) and "readonly" in str(error))
"""

CHANGED_BEHIND_A_READ_ONLY_MOUNT = """
import numpy as np
from diarspk.verification.gallery import open_gallery

with open_gallery("/mnt") as reader:
    print(len(reader), end=" ")
    for number in range(3):
        with open_gallery(FOLDER) as writer:
            writer.enroll("eve", np.eye(3)[1], fingerprint="abc")
            print(len(reader), end=" ")
        print(len(reader), end=" ")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    with create_gallery(folder, SPACE) as people:
        people.enroll("ann", EYE[0], fingerprint="abc")
        people.enroll("ben", EYE[1], fingerprint="abc")
    return folder


def read_only(folder: Path) -> str:
    return f"mount --bind '{folder}' /mnt; mount -o remount,bind,ro /mnt"


def test_a_new_gallery_is_there_with_its_first_people_or_not_at_all(tmp_path: Path) -> None:
    with new_gallery(tmp_path / "a" / "g", SPACE) as people:
        people.enroll("ann", EYE[0], fingerprint="abc")
        with pytest.raises(ModelError, match="no gallery"):
            open_gallery(tmp_path / "a" / "g")
    assert [file.name for file in (tmp_path / "a" / "g").iterdir()] == ["gallery.sqlite"]
    for error in (KeyboardInterrupt, ModelError):
        with pytest.raises(error), new_gallery(tmp_path / "b" / "g", SPACE) as people:
            people.enroll("ann", EYE[0], fingerprint="abc")
            raise error
    assert not (tmp_path / "b").exists()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").touch()
    with pytest.raises(KeyboardInterrupt), new_gallery(tmp_path / "own", SPACE):
        raise KeyboardInterrupt
    assert [file.name for file in (tmp_path / "own").iterdir()] == ["notes.txt"]


def test_of_two_who_create_one_at_once_the_first_wins(tmp_path: Path) -> None:
    with (
        pytest.raises(ModelError, match="a gallery already"),
        new_gallery(tmp_path / "g", SPACE) as slow,
    ):
        slow.enroll("slow", EYE[0], fingerprint="abc")
        with new_gallery(tmp_path / "g", SPACE) as quick:
            quick.enroll("quick", EYE[0], fingerprint="abc")
    with open_gallery(tmp_path / "g") as people:
        assert [person.speaker for person in people.people()] == ["quick"]


def test_many_who_create_one_at_once_make_one(tmp_path: Path) -> None:
    (tmp_path / "gallery.sqlite").touch()
    made, refused = [], []
    start = threading.Barrier(6)

    def create(number: int) -> None:
        start.wait()
        try:
            with new_gallery(tmp_path, SPACE) as people:
                people.enroll(f"person {number}", EYE[0], fingerprint="abc")
            made.append(f"person {number}")
        except ModelError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=create, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) + len(refused) == 6
    with open_gallery(tmp_path) as people:
        assert [person.speaker for person in people.people()] == made
    assert [file.name for file in tmp_path.iterdir()] == ["gallery.sqlite"]


def test_the_empty_file_of_a_failed_creation_is_no_gallery(tmp_path: Path) -> None:
    (tmp_path / "gallery.sqlite").touch()
    with pytest.raises(ModelError, match="no gallery; make one"):
        open_gallery(tmp_path)
    with create_gallery(tmp_path, SPACE) as people:
        people.enroll("ann", EYE[0], fingerprint="abc")
    with open_gallery(tmp_path) as people:
        assert len(people) == 1


def test_where_there_are_no_links_it_is_created_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    create_gallery(tmp_path / "g", SPACE).close()
    with pytest.raises(ModelError, match="already"):
        create_gallery(tmp_path / "g", SPACE)
    assert [file.name for file in (tmp_path / "g").iterdir()] == ["gallery.sqlite"]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ("PRAGMA journal_mode = WAL", "left by a failed creation; remove the file"),
        ("CREATE TABLE songs (title)", "not of a gallery"),
        ("CREATE TABLE songs (title); PRAGMA user_version = 2", "cannot be read"),
        ("CREATE TABLE songs (title); PRAGMA user_version = 1", "cannot be opened"),
        ("CREATE TABLE songs (title); PRAGMA user_version = 3", "of version 3"),
    ],
)
def test_other_databases_are_named_for_what_they_are(
    tmp_path: Path, statements: str, message: str
) -> None:
    connection = sqlite3.connect(tmp_path / "gallery.sqlite")
    connection.executescript(statements)
    connection.close()
    with pytest.raises(ModelError, match=message), open_gallery(tmp_path) as gallery:
        len(gallery)


def test_a_closed_gallery_says_so(folder: Path) -> None:
    gallery = open_gallery(folder)
    gallery.close()
    gallery.close()
    for call in (gallery.people, lambda: gallery.remove("ann"), lambda: len(gallery)):
        with pytest.raises(ModelError, match="closed; open it again"):
            call()


def test_no_room_leaves_nothing_behind() -> None:
    failed = run_with_mounts("mount -t tmpfs -o size=100k tmpfs /mnt", ON_A_FULL_VOLUME)
    assert int(failed) > 3


def test_a_gallery_on_a_read_only_volume_is_read(folder: Path) -> None:
    printed = run_with_mounts(read_only(folder), ON_A_READ_ONLY_VOLUME)
    assert printed.splitlines() == ["['ann', 'ben']", "ben", "True", "True"]


def test_of_a_killed_writer_on_a_read_only_volume_nothing_is_missing(folder: Path) -> None:
    """The last changes are in a file beside the database, which SQLite would merge."""
    saved = folder.parent / "saved"
    with open_gallery(folder) as writer:
        writer.enroll("eve", EYE[2], fingerprint="abc")
        shutil.copytree(folder, saved)
    assert (saved / "gallery.sqlite-wal").stat().st_size > 0
    assert "eve" in run_with_mounts(read_only(saved), ON_A_READ_ONLY_VOLUME)
    (saved / "gallery.sqlite-shm").unlink()
    script = ON_A_READ_ONLY_VOLUME.replace("with open_gallery", "try:\n  open_gallery('/mnt')\n")
    script = script[: script.index('("/mnt")')] + "except ModelError as error:\n  print(error)"
    assert "copy the folder to where you can write" in run_with_mounts(read_only(saved), script)


def test_a_reader_who_cannot_write_sees_later_changes(folder: Path) -> None:
    script = CHANGED_BEHIND_A_READ_ONLY_MOUNT.replace("FOLDER", repr(str(folder)))
    assert run_with_mounts(read_only(folder), script).split() == list("2334455")


def write_version_1(folder: Path) -> Path:
    folder.mkdir()
    connection = sqlite3.connect(folder / "gallery.sqlite")
    connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    connection.close()
    return folder


def test_a_gallery_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    """Made by the code of that version; its names are spelled anew, and its index is dropped."""
    folder = write_version_1(tmp_path / "old")
    (folder / "index-cfcbc3578fda7f54").mkdir()
    for _ in range(2):
        with open_gallery(folder) as people:
            names = {person.speaker: person.references for person in people.people()}
            assert names == {"Zoë": 2, "a\\tb": 1, "ann": 1, "unknown (enrolled)": 1}
            zoe = people.references(fingerprint="abc")["Zoë"]
            np.testing.assert_allclose(zoe, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0]], atol=1e-6)
            assert people.calibration is not None
            assert people.search(-EYE[2], fingerprint="abc", limit=1)[0].speaker == "ann"
    assert [file.name for file in folder.iterdir()] == ["gallery.sqlite"]


def test_a_gallery_of_version_1_on_a_read_only_volume_is_read(tmp_path: Path) -> None:
    folder = write_version_1(tmp_path / "old")
    printed = run_with_mounts(read_only(folder), ON_A_READ_ONLY_VOLUME)
    assert printed.splitlines()[0] == str(["Zoë", "a\\tb", "ann", "unknown (enrolled)"])
    assert printed.splitlines()[2:] == ["True", "True"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_an_error_of_one_line(folder: Path, data: st.DataObject) -> None:
    file = folder / "gallery.sqlite"
    whole = file.read_bytes()
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 30))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.sampled_from([len(whole), len(whole) // 2, 4096, 50]))]
    copy = folder.parent / "damaged"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    (copy / "gallery.sqlite").write_bytes(damaged)
    try:
        with open_gallery(copy) as people:
            people.people()
            people.search(EYE[0], fingerprint="abc")
            people.identify(EYE[0], fingerprint="abc", threshold=0.5)
            people.enroll("eve", EYE[2], fingerprint="abc")
    except DiarspkError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("moment", [0, 4_102_444_800])  # 1970 and 2100
def test_a_clock_that_jumps_changes_no_answer(tmp_path: Path, moment: int) -> None:
    with create_gallery(tmp_path / "people", SPACE) as people:
        people.enroll("ann", EYE[0], fingerprint="abc")
        file = tmp_path / "people" / "gallery.sqlite"
        os.utime(file, (moment, moment))
        with sqlite3.connect(file) as connection:
            connection.execute(
                "UPDATE entries SET enrolled_at = datetime(?, 'unixepoch')", [moment]
            )
        connection.close()
        people.enroll("ben", EYE[1], fingerprint="abc")
        os.utime(file, (moment, moment))
        found = people.search(EYE[1], fingerprint="abc", limit=2)
    with open_gallery(tmp_path / "people") as people:
        assert [person.speaker for person in people.people()] == ["ann", "ben"]
        again = people.search(EYE[1], fingerprint="abc", limit=2)
    assert (
        [match.speaker for match in found] == [match.speaker for match in again] == ["ben", "ann"]
    )
