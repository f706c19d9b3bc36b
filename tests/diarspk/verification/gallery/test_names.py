from __future__ import annotations

import doctest
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.gallery import create_gallery, names
from diarspk.verification.gallery.names import check_name, normalize_name, repair_name

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"
REFUSED = [
    *("", "  ", " ann", "ann ", "\u00a0ann", "a\nb", "a\tb", "a\rb", "a\x00b", "\x1b[31mred"),
    *("a\u2028b", "an\u200bn", "\u202enna", "\ufeffann", "\udcff", "SPEAKER_00", "SPEAKER_123"),
    *("unknown", "Unknown", "speaker_7"),
]


@pytest.mark.parametrize("name", [*REFUSED, None, 7, b"ann"])
def test_names_that_an_output_could_not_tell_apart_are_refused(name: object) -> None:
    with pytest.raises(ArgumentError, match="`speaker`") as raised:
        check_name(name)  # type: ignore[arg-type]
    assert str(raised.value).isprintable()  # the message itself fits one line of a terminal


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "Ann Lee",
        "O'Neil-Smith",
        "李雷",
        "\u06af\u0644\u200c\u062f\u0627\u0631",
        "🙂",
        "a\\tb",
    ],
)
def test_other_names_are_taken_as_they_are(name: str) -> None:
    assert check_name(name) == unicodedata.normalize("NFC", name) == name


def test_one_person_in_two_spellings(tmp_path: Path) -> None:
    with create_gallery(tmp_path / "g", Space("abc", 3)) as people:
        people.enroll(DECOMPOSED, np.eye(3)[0], fingerprint="abc")
        people.enroll(COMPOSED, np.eye(3)[1], fingerprint="abc")
        people.enroll_many([("Ann\u00a0 Lee", np.eye(3)[2])], fingerprint="abc")
        people.enroll("Ann Lee", np.eye(3)[2], fingerprint="abc")
        listed = [(person.speaker, person.references) for person in people.people()]
        assert listed == [("Ann Lee", 2), (COMPOSED, 2)]
        assert people.verify(DECOMPOSED, np.eye(3)[0], fingerprint="abc").speaker == COMPOSED
        assert people.remove(DECOMPOSED) == 2
        assert people.remove("\udcff") == 0


def test_a_source_that_is_no_unicode_is_kept_by_its_escapes(tmp_path: Path) -> None:
    with create_gallery(tmp_path / "g", Space("abc", 3)) as people:
        people.enroll("ann", np.eye(3)[0], fingerprint="abc", sources=["caf\udce9.wav"])
        (match,) = people.search(np.eye(3)[0], fingerprint="abc")
        assert match.source == "caf\\xe9.wav"


@given(st.text(min_size=1))
def test_a_repaired_name_can_be_enrolled_and_stays(name: str) -> None:
    repaired = repair_name(name)
    if name.strip() and name == name.strip() and repaired:  # what version 1 took
        assert check_name(repaired) == repaired == repair_name(repaired)


@given(st.text())
def test_a_normalized_name_stays(name: str) -> None:
    once = normalize_name(name)
    assert normalize_name(once) == once
    assert once == normalize_name(unicodedata.normalize("NFD", once))


def test_examples() -> None:
    assert doctest.testmod(names).failed == 0
