"""File names of speakers: valid everywhere, and one for each."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.file_names import file_stems


def test_names_that_would_share_a_file_are_numbered() -> None:
    assert file_stems(["A/B", "A_B", "A:B"]) == {"A/B": "A_B-2", "A_B": "A_B", "A:B": "A_B-3"}
    assert file_stems(["Ann", "ann"]) == {"Ann": "Ann", "ann": "ann-2"}
    assert file_stems(["A/B", "A_B", "A_B-2"])["A/B"] == "A_B-3"
    composed, decomposed = "Ren\u00e9", "Rene\u0301"
    assert len(set(file_stems([composed, decomposed]).values())) == 2


@pytest.mark.parametrize(
    ("name", "stem"),
    [("", "_"), ("..", "_.."), (".hidden", "_.hidden"), ("CON", "_CON"), ("../x", "_.._x")],
)
def test_names_that_no_file_may_have(name: str, stem: str) -> None:
    assert file_stems([name]) == {name: stem}


@given(st.lists(st.text(max_size=300), max_size=12))
def test_every_name_has_a_file_of_its_own(names: list[str]) -> None:
    stems = file_stems(names)
    assert set(stems) == set(names)
    folded = {unicodedata.normalize("NFC", stem).casefold() for stem in stems.values()}
    assert len(folded) == len(stems)
    for stem in stems.values():
        assert stem and not stem.startswith(".")
        assert not set(stem) & set('/\\:*?"<>|\0\n\t')
        assert len(stem.encode()) < 240


@given(st.text(st.sampled_from("abcXYZ019-_"), min_size=1, max_size=40))
def test_a_plain_name_is_its_own(name: str) -> None:
    if name.lower() not in ("con", "prn", "aux", "nul"):
        assert file_stems([name, "?"])[name] == name
