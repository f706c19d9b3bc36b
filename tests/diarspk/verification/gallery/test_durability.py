"""A gallery under ``kill -9``, beside other readers and writers, and moved to another space."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery import Gallery, create_gallery, open_gallery
from tests.diarspk.verification.gallery.gallery_writer import vector
from tests.paths import ROOT

SPACE = Space("abc", 32, "toy")
WRITER = Path(__file__).with_name("gallery_writer.py")


def kill_while_enrolling(
    folder: Path, count: int, references: int, after: int, by: signal.Signals
) -> int:
    """Start a writer, end it after so many acknowledgements: the last one it gave."""
    command = [sys.executable, str(WRITER), str(folder), str(count), str(references)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the traceback of KeyboardInterrupt
        text=True,
    ) as writer:
        assert writer.stdout is not None
        acknowledged = -1
        for line in writer.stdout:
            acknowledged = int(line)
            if acknowledged == after:
                writer.send_signal(by)
                break
        rest = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        assert writer.wait() == -by
    return max([acknowledged, *rest])


@pytest.mark.parametrize(
    ("after", "references", "by"),
    [
        (0, 1, signal.SIGKILL),
        (37, 1, signal.SIGKILL),
        (300, 2, signal.SIGKILL),
        (20, 2, signal.SIGINT),
        (5, 1, signal.SIGTERM),
    ],
)
def test_a_writer_that_is_killed_loses_nothing_acknowledged(
    tmp_path: Path, after: int, references: int, by: signal.Signals
) -> None:
    folder = tmp_path / "g"
    create_gallery(folder, SPACE).close()
    acknowledged = kill_while_enrolling(folder, 100_000, references, after, by)
    with open_gallery(folder) as gallery:
        found = gallery.references(fingerprint="abc")
        # One more may have been committed without the writer having said so, none may be partial.
        assert len(found) - 1 in (acknowledged, acknowledged + 1)
        for number, (speaker, rows) in enumerate(found.items()):
            assert speaker == f"person {number}"
            expected = vector(number) / np.linalg.norm(vector(number))
            np.testing.assert_allclose(rows, [expected] * references, atol=1e-6)
        integrity = sqlite3.connect(folder / "gallery.sqlite")
        assert integrity.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        integrity.close()
        gallery.enroll("later", vector(0), fingerprint="abc")  # and it goes on


def test_readers_see_whole_enrolments_while_another_process_writes(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    create_gallery(folder, SPACE).close()
    command = [sys.executable, str(WRITER), str(folder), "60", "3"]
    with subprocess.Popen(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        seen: list[int] = []
        with open_gallery(folder) as first, open_gallery(folder) as second:
            for _ in writer.stdout:
                for reader in (first, second):
                    found = reader.references(fingerprint="abc")
                    assert {len(rows) for rows in found.values()} <= {3}
                    seen.append(len(found))
            assert seen == sorted(seen)
            assert len(second.people()) == 60


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    create_gallery(folder, SPACE).close()

    def write(name: str) -> None:
        with open_gallery(folder) as gallery:
            for number in range(20):
                gallery.enroll(name, vector(number), fingerprint="abc")

    threads = [threading.Thread(target=write, args=(f"writer {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_gallery(folder) as gallery:
        assert [person.references for person in gallery.people()] == [20, 20, 20]


def test_processes_that_write_one_gallery_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    create_gallery(folder, SPACE).close()
    command = [sys.executable, str(WRITER), str(folder), "25", "2"]
    writers = [
        subprocess.Popen(
            command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    with open_gallery(folder) as gallery:
        people = {person.speaker: person.references for person in gallery.people()}
    assert people == {f"person {number}": 4 for number in range(25)}


class Turned:
    """An alignment that turns the axes around and keeps 16 of them."""

    source = SPACE
    output = Space("turned", 16, "new")

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, ::-1][:, :16]


@pytest.fixture
def filled(tmp_path: Path):
    with create_gallery(tmp_path / "g", SPACE) as gallery:
        for number in range(10):
            gallery.enroll(f"person {number}", vector(number), fingerprint="abc")
        yield gallery


def test_migration_moves_every_reference(filled: Gallery) -> None:
    from diarspk.verification.gallery.migration import migrate

    with open_gallery(filled.folder) as reader:
        migrate(filled, Turned())  # type: ignore[arg-type]
        assert reader.space == filled.space == Turned.output
        with pytest.raises(ModelError, match="fingerprint turned, got one of abc"):
            reader.search(vector(3), fingerprint="abc")
        (best,) = reader.search(vector(3)[::-1][:16], fingerprint="turned", limit=1)
        assert best.speaker == "person 3"
        assert best.score == pytest.approx(1.0, abs=1e-5)


def test_migration_from_another_space_is_refused(filled: Gallery) -> None:
    from diarspk.verification.gallery.migration import migrate

    other = Turned()
    other.source = Space("other", 32)
    with pytest.raises(ModelError, match="got one of other"):
        migrate(filled, other)  # type: ignore[arg-type]
    assert filled.space == SPACE


def test_an_enrolment_during_the_migration_stops_it(filled: Gallery) -> None:
    from diarspk.verification.gallery.migration import migrate

    class Slow(Turned):
        def transform(self, vectors: np.ndarray) -> np.ndarray:
            with open_gallery(filled.folder) as other:
                other.enroll("late", vector(99), fingerprint="abc")
            return super().transform(vectors)

    with pytest.raises(ModelError, match="changed during the migration"):
        migrate(filled, Slow())  # type: ignore[arg-type]
    assert filled.space == SPACE
    assert len(filled.references(fingerprint="abc")) == 11
