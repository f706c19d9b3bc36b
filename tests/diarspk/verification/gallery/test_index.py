"""The approximate index: as good as the scan on what it covers, and never the last word."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.gallery import Gallery, create_gallery, index, open_gallery

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


def test_removed_entries_are_not_found(gallery: Gallery) -> None:
    gallery.build_index()
    gallery.remove("person 3")
    answers = gallery.search(VECTORS[16], fingerprint="abc", limit=5)
    assert len(answers) == 5
    assert all(answer.speaker != "person 3" for answer in answers)


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_without_its_file_the_scan_takes_over(gallery: Gallery, fault: str) -> None:
    gallery.build_index()
    (folder,) = gallery.folder.glob("index-*")
    if fault == "missing":
        shutil.rmtree(folder)
    else:
        (folder / "signs.npy").write_bytes(b"damaged")
    with open_gallery(gallery.folder) as reader:
        assert found(reader, VECTORS[77], 1) == [78]


def test_a_new_index_replaces_the_old_and_a_new_space_ends_it(gallery: Gallery) -> None:
    gallery.build_index()
    gallery.enroll("late", VECTORS[550], fingerprint="abc")
    gallery.build_index()
    assert len(list(gallery.folder.glob("index-*"))) == 1
    _, entries = gallery.entries()
    gallery.replace_space(Space("new", 24), {n: -row for n, row in entries.items()})
    (best,) = gallery.search(-VECTORS[77], fingerprint="new", limit=1)
    assert (best.entry, best.score) == (78, pytest.approx(1.0, abs=1e-5))


@pytest.mark.parametrize("entries", [0, 1, 3])
def test_few_entries_are_all_found(tmp_path: Path, entries: int) -> None:
    with create_gallery(tmp_path / "few", SPACE) as gallery:
        for number in range(entries):
            gallery.enroll(f"person {number}", VECTORS[number], fingerprint="abc")
        gallery.build_index()
        assert found(gallery, VECTORS[0]) == scan(gallery, VECTORS[0])
        assert len(found(gallery, VECTORS[0])) == entries


@pytest.mark.parametrize("sifted", [0.0, 1.5, float("nan")])
def test_the_share_must_be_one(gallery: Gallery, sifted: float) -> None:
    with pytest.raises(ArgumentError, match="`sifted`"):
        gallery.build_index(sifted=sifted)


def test_signs_tell_angles_of_vectors_that_share_a_direction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings behind a rectifier are all positive: their raw signs would tell nothing."""
    monkeypatch.setattr(index, "MIN_SIFTED", 1)
    random = np.random.default_rng(1)
    spread = np.geomspace(1.0, 0.02, 64)
    people = random.normal(size=(1000, 64)) * spread
    rows = np.abs(
        1.0 + np.repeat(people, 3, axis=0) + 0.2 * spread * random.normal(size=(3000, 64))
    )
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    index.write_index(tmp_path / "i", 64, len(rows), lambda: [(np.arange(3000), rows)])
    opened = index.open_index(tmp_path / "i", 0.02)
    assert opened is not None
    wanted = [np.argsort(-(rows @ row), kind="stable")[:3] for row in rows[::100]]
    given = [opened.candidates(row, 3) for row in rows[::100]]
    assert np.mean([len({*a} & {*b}) / 3 for a, b in zip(wanted, given, strict=True)]) > 0.97


def test_differing_signs_estimate_the_angle(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(2, 20_000)).astype(np.float32)
    rows[1] = np.cos(1.0) * rows[0] + np.sin(1.0) * rows[1]
    first, second = np.moveaxis(index._signs(rows), -1, 0)
    assert np.bitwise_count(first ^ second).sum() / 20_000 == pytest.approx(1.0 / np.pi, abs=0.01)


def test_an_index_is_the_same_each_time(gallery: Gallery) -> None:
    def stored() -> dict[str, bytes]:
        (folder,) = gallery.folder.glob("index-*")
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    gallery.build_index()
    first = stored()
    gallery.build_index()
    assert stored() == first
