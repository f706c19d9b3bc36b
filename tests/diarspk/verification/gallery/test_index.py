"""Exact search, and the index of a large gallery: as good as the scan, and never the last word."""

from __future__ import annotations

import builtins
import json
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest

from diarspk.embeddings.space import Space
from diarspk.errors import DiarspkWarning, ModelError
from diarspk.verification.gallery import Gallery, create_gallery, open_gallery
from diarspk.verification.gallery import index as index_module
from diarspk.verification.gallery import search as search_module

SPACE = Space("abc", 24)
VECTORS = np.random.default_rng(0).normal(size=(600, 24)).astype(np.float32)


@pytest.fixture
def gallery(tmp_path: Path):
    with create_gallery(tmp_path / "g", SPACE) as gallery:
        for number, start in enumerate(range(0, 500, 5)):
            gallery.enroll(f"person {number}", VECTORS[start : start + 5], fingerprint="abc")
        yield gallery


@pytest.fixture
def large(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """A gallery that counts as large."""
    pytest.importorskip("faiss")
    monkeypatch.setattr(search_module, "EXACT_ENTRIES", 100)
    return gallery


def scan(gallery: Gallery, query: np.ndarray, limit: int = 5) -> list[int]:
    """Numbers of the nearest, in double precision from the database."""
    _, entries = gallery.entries()
    cosines = {n: float(row.astype(float) @ query) for n, row in entries.items()}
    return sorted(cosines, key=lambda n: (-cosines[n], n))[:limit]


def found(gallery: Gallery, query: np.ndarray, limit: int = 5) -> list[int]:
    return [match.entry for match in gallery.search(query, fingerprint="abc", limit=limit)]


def index_file(gallery: Gallery) -> Path:
    (file,) = gallery.folder.glob("index-*")
    return file


def test_a_small_gallery_is_searched_exactly_without_an_index(gallery: Gallery) -> None:
    for query in VECTORS[500:550]:
        assert found(gallery, query, 20) == scan(gallery, query, 20)
    assert not gallery.build_index()
    assert not list(gallery.folder.glob("index-*"))


def test_the_index_finds_what_the_scan_finds(large: Gallery) -> None:
    with open_gallery(large.folder) as reader:
        for query in VECTORS[500:550]:
            assert found(reader, query) == scan(reader, query)
    assert index_file(large).is_file()


def test_scores_do_not_depend_on_the_way_of_search(
    large: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for exact, block in ((100, 8192), (1000, 8192), (1000, 7)):
        monkeypatch.setattr(search_module, "EXACT_ENTRIES", exact)
        monkeypatch.setattr("diarspk.verification.gallery.rows.BLOCK_ROWS", block)
        with open_gallery(large.folder) as reader:
            answers.append([reader.search(q, fingerprint="abc", limit=7) for q in VECTORS[500:520]])
    assert answers[0] == answers[1] == answers[2]


def test_equal_references_come_in_the_order_of_their_enrolment(gallery: Gallery) -> None:
    later = gallery.enroll("late", np.repeat(VECTORS[:1], 30, axis=0), fingerprint="abc")
    assert found(gallery, VECTORS[0], 31) == [1, *later]
    assert found(gallery, VECTORS[0], 3) == [1, *later[:2]]


def test_the_index_is_read_not_built_again(large: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    large.build_index()
    before = index_file(large).stat().st_mtime_ns

    def fail(self: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(search_module.Searcher, "build", fail)
    with open_gallery(large.folder) as reader:
        assert found(reader, VECTORS[77], 1) == [78]
    assert index_file(large).stat().st_mtime_ns == before


def test_later_entries_are_found_without_a_new_index(large: Gallery) -> None:
    large.build_index()
    file = index_file(large)
    with open_gallery(large.folder) as reader:
        found(reader, VECTORS[0])
        (number,) = large.enroll("late", VECTORS[550], fingerprint="abc")
        for gallery in (reader, large):
            assert found(gallery, VECTORS[550], 1) == [number]
    assert index_file(large) == file


def test_removed_entries_are_not_found_and_others_take_their_places(large: Gallery) -> None:
    large.build_index()
    query = VECTORS[16]
    for person in {(number - 1) // 5 for number in scan(large, query, 30)}:
        large.remove(f"person {person}")  # more than a search asks the index for
    answers = found(large, query, 5)
    assert answers == scan(large, query, 5)
    assert len(answers) == 5


def test_an_index_of_too_few_entries_is_rebuilt(large: Gallery) -> None:
    large.build_index()
    file = index_file(large)
    large.enroll("crowd", VECTORS[500:560], fingerprint="abc")
    assert found(large, VECTORS[550], 1) == scan(large, VECTORS[550], 1)
    assert index_file(large) != file


@pytest.mark.parametrize("fault", ["missing", "cut", "changed", "another's", "no record"])
def test_a_damaged_index_is_rebuilt(large: Gallery, fault: str) -> None:
    large.build_index()
    file = index_file(large)
    data = bytearray(file.read_bytes())
    if fault == "missing":
        file.unlink()
    elif fault == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif fault == "changed":
        data[len(data) // 2] ^= 255
        file.write_bytes(data)
    elif fault == "another's":
        wrong = index_module.VectorIndex(-VECTORS)
        wrong.add([(np.arange(500), -VECTORS[:500])])
        wrong.write(file)
    else:
        connection = sqlite3.connect(large.folder / "gallery.sqlite")
        connection.execute("UPDATE notes SET value = '{}' WHERE key = 'index'")
        connection.commit()
        connection.close()
    with open_gallery(large.folder) as reader:
        assert found(reader, VECTORS[77], 1) == [78]
    assert index_file(large) != file
    note = sqlite3.connect(large.folder / "gallery.sqlite")
    record = json.loads(note.execute("SELECT value FROM notes").fetchone()[0])
    note.close()
    assert record["file"] == index_file(large).name


def test_a_new_index_replaces_the_old_and_a_new_space_ends_it(large: Gallery) -> None:
    large.build_index()
    (large.folder / "index-0123456789abcdef").mkdir()  # an earlier version's
    large.enroll("late", VECTORS[550], fingerprint="abc")
    large.build_index()
    first = index_file(large)
    _, entries = large.entries()
    large.replace_space(Space("new", 24), {n: -row for n, row in entries.items()})
    (best,) = large.search(-VECTORS[77], fingerprint="new", limit=1)
    assert (best.entry, best.score) == (78, pytest.approx(1.0, abs=1e-5))
    assert index_file(large) != first


def test_without_the_library_the_answer_is_the_same_after_one_warning(
    large: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "faiss":
            raise ImportError("No module named 'faiss'")
        return imports(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.warns(DiarspkWarning, match=r"reads all of 500 .*diarspk\[gallery\]"):
        first = found(large, VECTORS[510])
    assert first == scan(large, VECTORS[510])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found(large, VECTORS[511]) == scan(large, VECTORS[511])
    with pytest.raises(ModelError, match=r"pip install 'diarspk\[gallery\]'"):
        large.build_index()


def test_on_macos_the_library_is_not_loaded(
    large: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module.sys, "platform", "darwin")
    with pytest.warns(DiarspkWarning, match="macOS"):
        assert found(large, VECTORS[77], 1) == [78]


@pytest.mark.parametrize("entries", [0, 1, 3])
def test_few_entries_are_all_found(
    tmp_path: Path, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(search_module, "EXACT_ENTRIES", -1)
    with create_gallery(tmp_path / "few", SPACE) as gallery:
        for number in range(entries):
            gallery.enroll(f"person {number}", VECTORS[number], fingerprint="abc")
        gallery.build_index()
        assert found(gallery, VECTORS[0]) == scan(gallery, VECTORS[0])
        assert len(found(gallery, VECTORS[0])) == entries


def test_an_index_is_the_same_each_time(large: Gallery) -> None:
    large.build_index()
    first = index_file(large).read_bytes()
    large.build_index()
    assert index_file(large).read_bytes() == first
