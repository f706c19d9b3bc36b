from __future__ import annotations

import doctest
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, DiarspkWarning, ModelError
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import Gallery, create_gallery, identification, open_gallery
from diarspk.verification.gallery.identification import open_set_posterior
from diarspk.verification.gallery.self_calibration import calibrate_by_references, score_references

DIMENSION = 32
SPACE = Space("abc", DIMENSION, "toy")
CALIBRATION = ScoreCalibration(20.0, -12.0, {}, "abc")


def voices(people: int, references: int, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """``(people, references, dim)``: references scatter around each person's own direction."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(people, 1, DIMENSION))
    return (centres + noise * random.normal(size=(people, references, DIMENSION))).astype("f4")


@pytest.fixture
def gallery(tmp_path: Path):
    with create_gallery(tmp_path / "people", SPACE) as made:
        yield made


@pytest.fixture
def crowd(gallery: Gallery) -> Gallery:
    """Twenty people with three references each."""
    for number, rows in enumerate(voices(20, 4)[:, :3]):
        gallery.enroll(f"person {number:02d}", rows, fingerprint="abc", sources=["a", "b", "c"])
    return gallery


def test_what_was_enrolled_is_listed_and_searched(crowd: Gallery) -> None:
    assert len(crowd) == 60
    assert [person.speaker for person in crowd.people()][:2] == ["person 00", "person 01"]
    assert {person.references for person in crowd.people()} == {3}
    everything = voices(20, 4)[:, :3].reshape(60, DIMENSION).astype(np.float64)
    everything /= np.linalg.norm(everything, axis=1, keepdims=True)
    query = voices(20, 4)[7, 3]
    cosines = everything @ (query / np.linalg.norm(query))
    found = crowd.search(query, fingerprint="abc", limit=8)
    best = np.argsort(-cosines)[:8]
    assert [match.entry for match in found] == (best + 1).tolist()
    np.testing.assert_allclose([match.score for match in found], cosines[best], atol=1e-5)
    assert (found[0].speaker, found[0].source) == ("person 07", "abc"[best[0] % 3])


def test_it_is_there_after_closing(tmp_path: Path) -> None:
    with create_gallery(tmp_path / "g", SPACE) as gallery:
        assert gallery.enroll("ann", np.ones(DIMENSION), fingerprint="abc", seconds=[2.5]) == [1]
    with open_gallery(tmp_path / "g") as gallery:
        assert gallery.space == SPACE
        (ann,) = gallery.people()
        assert (ann.speaker, ann.references, ann.seconds) == ("ann", 1, 2.5)


def test_another_space_of_the_same_dimension_is_refused(crowd: Gallery) -> None:
    query = voices(1, 1)[0, 0]
    for call in (
        lambda: crowd.enroll("eve", query, fingerprint="other"),
        lambda: crowd.search(query, fingerprint="other"),
        lambda: crowd.identify(query, fingerprint="other", threshold=0.5),
        lambda: crowd.verify("person 00", query, fingerprint="other"),
        lambda: crowd.references(fingerprint="other"),
        lambda: crowd.set_calibration(ScoreCalibration(1.0, 0.0, {}, "other")),
    ):
        with pytest.raises(ModelError, match="fingerprint abc, got one of other"):
            call()
    assert len(crowd) == 60


def test_the_database_itself_refuses_a_row_of_another_space(crowd: Gallery) -> None:
    import sqlite3

    connection = sqlite3.connect(crowd.folder / "gallery.sqlite")
    row = "INSERT INTO entries (speaker, source, seconds, fingerprint, vector) VALUES "
    for values in (("eve", "", 0, "other", b"0" * 128), ("eve", "", 0, "abc", b"0" * 64)):
        with pytest.raises(sqlite3.IntegrityError, match="another embedding space"):
            connection.execute(row + "(?, ?, ?, ?, ?)", values)
    connection.close()


def test_a_row_changed_behind_the_gallery_is_refused_when_read(crowd: Gallery) -> None:
    import sqlite3

    connection = sqlite3.connect(crowd.folder / "gallery.sqlite")
    connection.execute("DROP TRIGGER one_space_update")
    connection.execute("UPDATE entries SET fingerprint = 'other' WHERE id = 5")
    connection.commit()
    connection.close()
    with pytest.raises(ModelError, match="got one of other"):
        crowd.search(voices(1, 1)[0, 0], fingerprint="abc")
    with pytest.raises(ModelError, match="got one of other"):
        crowd.references(fingerprint="abc")


def test_enrolment_is_whole_or_not_at_all(gallery: Gallery) -> None:
    rows = np.ones((3, DIMENSION), np.float32)
    rows[2] = np.nan
    with pytest.raises(ArgumentError, match="finite"):
        gallery.enroll("ann", rows, fingerprint="abc")
    with pytest.raises(ArgumentError, match="one item for each of 2 vectors"):
        gallery.enroll("ann", rows[:2], fingerprint="abc", sources=["only one"])
    with pytest.raises(ArgumentError, match=r"\(n, 32\), got \(2, 31\)"):
        gallery.enroll("ann", rows[:2, :31], fingerprint="abc")
    assert len(gallery) == 0


def test_many_are_enrolled_in_one_change(gallery: Gallery) -> None:
    rows = voices(3, 2)
    pairs = [(f"person {n}", row) for n, own in enumerate(rows) for row in own]
    assert gallery.enroll_many(pairs, fingerprint="abc") == 6
    assert [person.references for person in gallery.people()] == [2, 2, 2]
    with pytest.raises(ArgumentError, match="finite"):
        gallery.enroll_many([("ann", rows[0, 0]), ("eve", np.zeros(32))], fingerprint="abc")
    with pytest.raises(ModelError, match="got one of other"):
        gallery.enroll_many(pairs, fingerprint="other")
    assert len(gallery) == 6


def test_distinct_references_are_enrolled_once(gallery: Gallery) -> None:
    first, second = voices(1, 2)[0]
    enroll = partial(gallery.enroll, fingerprint="abc", distinct=True)
    assert enroll("ann", np.stack([first, second]), sources=["a", "b"]) == [1, 2]
    with pytest.warns(DiarspkWarning) as told:
        assert enroll("ann", np.stack([7 * second, first]), sources=["b", "c"]) == [2, 1]
    assert [str(one.message) for one in told] == [
        "b: ann has this recording already; it is not counted again",
        "c: ann has this recording already, from a; it is not counted again",
    ]
    with pytest.warns(DiarspkWarning, match=r"from a \(2 references\)"):
        assert enroll("ann", np.stack([first, first])) == [1, 1]
    assert enroll("ben", first) == [3]  # of another person: a matter of who they say it is
    assert enroll("ben", first + 1e-2 * second) == [4]
    assert gallery.enroll("ben", first, fingerprint="abc") == [5]


def test_removed_people_are_not_found_again(crowd: Gallery) -> None:
    assert crowd.remove("person 07") == 3
    assert crowd.remove("person 07") == 0
    query = voices(20, 4)[7, 3]
    found = crowd.search(query, fingerprint="abc", limit=60)
    assert len(found) == 57
    assert all(match.speaker != "person 07" for match in found)


def test_known_and_unknown_voices_are_told_apart(crowd: Gallery) -> None:
    crowd.set_calibration(CALIBRATION)
    for number in range(20):
        answer = crowd.identify(voices(20, 4)[number, 3], fingerprint="abc")
        assert answer.speaker == f"person {number:02d}"
        assert answer.candidates[0].probability is not None
        assert answer.candidates[0].probability > 0.5
        shares = [c.probability or 0.0 for c in answer.candidates]
        assert sum(shares) + (answer.unknown or 0.0) <= 1 + 1e-9
    for stranger in voices(20, 1, seed=9)[:, 0]:
        answer = crowd.identify(stranger, fingerprint="abc")
        assert answer.speaker is None
        assert answer.unknown is not None
        assert answer.unknown > 0.5


def test_the_score_of_a_candidate_is_the_cosine_with_the_mean(crowd: Gallery) -> None:
    rows = voices(20, 4)[3].astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    mean = rows[:3].mean(0)
    expected = rows[3] @ mean / np.linalg.norm(mean)
    answer = crowd.identify(rows[3], fingerprint="abc", threshold=0.9, limit=2)
    assert len(answer.candidates) == 2
    assert answer.candidates[0].score == pytest.approx(expected, abs=1e-5)
    assert crowd.verify("person 03", rows[3], fingerprint="abc").score == pytest.approx(
        expected, abs=1e-5
    )


def test_without_calibration_a_threshold_is_needed(crowd: Gallery) -> None:
    query = voices(20, 4)[3, 3]
    with pytest.raises(ModelError, match="gallery calibrate"):
        crowd.identify(query, fingerprint="abc")
    answer = crowd.identify(query, fingerprint="abc", threshold=0.5)
    assert (answer.speaker, answer.unknown) == ("person 03", None)
    assert answer.candidates[0].probability is None
    assert crowd.identify(query, fingerprint="abc", threshold=0.9999).speaker is None


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    gallery.set_calibration(CALIBRATION)
    answer = gallery.identify(np.ones(DIMENSION), fingerprint="abc")
    assert (answer.speaker, answer.unknown, answer.candidates) == (None, 1.0, ())


def test_verifying_needs_somebody_enrolled(crowd: Gallery) -> None:
    crowd.set_calibration(CALIBRATION)
    same = crowd.verify("person 03", voices(20, 4)[3, 3], fingerprint="abc").probability
    other = crowd.verify("person 04", voices(20, 4)[3, 3], fingerprint="abc").probability
    assert same is not None and other is not None
    assert same > 0.9 > 0.1 > other
    with pytest.raises(ArgumentError, match="somebody enrolled, got 'nobody'"):
        crowd.verify("nobody", np.ones(DIMENSION), fingerprint="abc")


def test_a_calibration_from_its_own_references(crowd: Gallery) -> None:
    calibration = calibrate_by_references(crowd)
    assert crowd.calibration == calibration
    assert 0.3 < calibration.threshold() < 0.9
    answer = crowd.identify(voices(20, 4)[3, 3], fingerprint="abc")
    assert answer.speaker == "person 03"


def test_own_references_are_left_out_of_the_mean_they_meet() -> None:
    references = {"a": np.eye(4, dtype=np.float32)[:2], "b": np.eye(4, dtype=np.float32)[2:]}
    scores, labels = score_references(references)
    assert labels.tolist() == [True, False, True, False, False, True, False, True]
    np.testing.assert_allclose(scores, np.zeros(8), atol=1e-7)  # all references are orthogonal


def test_calibration_needs_people(gallery: Gallery) -> None:
    gallery.enroll("ann", voices(1, 2)[0], fingerprint="abc")
    with pytest.raises(ArgumentError, match="got 1"):
        calibrate_by_references(gallery)


def test_more_people_ask_for_a_stronger_match() -> None:
    ratios = np.log([1000.0, 1.0])
    (few, _), unknown_few = open_set_posterior(ratios, 10, 0.5)
    (many, _), unknown_many = open_set_posterior(ratios, 10_000, 0.5)
    assert few > 0.9 > 0.1 > many
    assert unknown_few < unknown_many
    with pytest.raises(ArgumentError, match="`known_prior`"):
        open_set_posterior(ratios, 10, 1.0)


def test_making_and_opening(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no gallery; make one"):
        open_gallery(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    create_gallery(tmp_path / "g", SPACE).close()
    with pytest.raises(ModelError, match="a gallery already"):
        create_gallery(tmp_path / "g", Space("other", 8))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "gallery.sqlite").write_bytes(b"no database" * 200)
    with pytest.raises(ModelError, match="not a gallery"):
        open_gallery(tmp_path / "bad")


def test_a_search_asks_for_one_at_least(crowd: Gallery) -> None:
    with pytest.raises(ArgumentError, match="`limit` must be a whole number from 1, got 0"):
        crowd.search(np.ones(DIMENSION), fingerprint="abc", limit=0)


def test_examples() -> None:
    assert doctest.testmod(identification).failed == 0


def test_a_gallery_prints_its_size_and_whether_it_is_closed(tmp_path):
    gallery = create_gallery(tmp_path / "people", Space("a" * 16, 3))
    gallery.enroll("alice", np.eye(3)[:2], fingerprint="a" * 16)
    assert repr(gallery).endswith("people', 1 people, 2 references)")
    gallery.close()
    assert repr(gallery).endswith("people', closed)")
