"""The approximate index: as good as the scan on what it covers, and never the last word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diarspk.errors import ModelError
from diarspk.gallery import Gallery, create_gallery, open_gallery
from diarspk.spaces import Space

pytest.importorskip("usearch", reason="the index needs usearch")

SPACE = Space("abc", 24)
VECTORS = np.random.default_rng(0).normal(size=(600, 24)).astype(np.float32)


@pytest.fixture
def gallery(tmp_path: Path):
    with create_gallery(tmp_path / "g", SPACE) as gallery:
        for number, start in enumerate(range(0, 500, 5)):
            gallery.enroll(f"person {number}", VECTORS[start : start + 5], fingerprint="abc")
        yield gallery


def scan(gallery: Gallery, query: np.ndarray, limit: int = 5) -> list[int]:
    _, entries = gallery.entries()
    cosines = {n: float(row @ query / np.linalg.norm(query)) for n, row in entries.items()}
    return sorted(cosines, key=lambda n: -cosines[n])[:limit]


def found(gallery: Gallery, query: np.ndarray, limit: int = 5) -> list[int]:
    return [match.entry for match in gallery.search(query, fingerprint="abc", limit=limit)]


def test_the_index_finds_what_the_scan_finds(gallery: Gallery) -> None:
    gallery.build_index()
    with open_gallery(gallery.folder) as reader:
        same = [found(reader, query) == scan(reader, query) for query in VECTORS[500:550]]
    assert np.mean(same) >= 0.96


def test_later_entries_are_found_without_a_new_index(gallery: Gallery) -> None:
    gallery.build_index()
    (number,) = gallery.enroll("late", VECTORS[550], fingerprint="abc")
    assert found(gallery, VECTORS[550], 1) == [number]


def test_removed_entries_are_not_proposed(gallery: Gallery) -> None:
    gallery.build_index()
    gallery.remove("person 3")
    answers = gallery.search(VECTORS[16], fingerprint="abc", limit=5)
    assert len(answers) == 5
    assert all(answer.speaker != "person 3" for answer in answers)


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_without_its_file_the_scan_takes_over(gallery: Gallery, fault: str) -> None:
    gallery.build_index()
    (file,) = gallery.folder.glob("index-*.usearch")
    if fault == "missing":
        file.unlink()
    else:
        file.write_bytes(b"damaged")
    with open_gallery(gallery.folder) as reader:
        assert found(reader, VECTORS[77], 1) == [78]


def test_a_new_index_replaces_the_old_and_a_new_space_ends_it(gallery: Gallery) -> None:
    gallery.build_index()
    gallery.enroll("late", VECTORS[550], fingerprint="abc")
    gallery.build_index()
    assert len(list(gallery.folder.glob("index-*.usearch"))) == 1
    _, entries = gallery.entries()
    gallery.replace_space(Space("new", 24), {n: -row for n, row in entries.items()})
    (best,) = gallery.search(-VECTORS[77], fingerprint="new", limit=1)
    assert (best.entry, best.score) == (78, pytest.approx(1.0, abs=1e-5))


def test_without_usearch_the_remedy_is_named(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    gallery.build_index()
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with open_gallery(gallery.folder) as reader:
        assert found(reader, VECTORS[77], 1) == [78]
        with pytest.raises(ModelError, match=r"diarspk\[gallery\]"):
            reader.build_index()
