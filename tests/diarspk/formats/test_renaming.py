"""Renaming of the speakers of an RTTM file."""

from __future__ import annotations

import io

import pytest

from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from diarspk.formats.renaming import renamed_rttm


def rename(text: str, names: dict[tuple[str, str], str]) -> str:
    return "".join(renamed_rttm(io.StringIO(text), names))


def test_nothing_but_the_names_changes() -> None:
    text = (
        ";; by hand\n"
        "SPKR-INFO a 1 <NA> <NA> <NA> unknown Zoë <NA> <NA>\n"
        "SPEAKER a 2 1.50 2.25 <NA> <NA> Zoë 0.91 0.1\n"
        "SPEAKER b 1 0 1 <NA> <NA> Zoë <NA>\n"
    )
    found = rename(text, {("a", "Zoë"): "PERSON_00"})
    assert found == text.replace("unknown Zoë", "unknown PERSON_00").replace(
        "Zoë 0.91", "PERSON_00 0.91"
    )


def test_names_with_spaces_stay_between_tabs() -> None:
    text = "SPEAKER\ta\t1\t0\t1\t<NA>\t<NA>\tAnn B\t<NA>\t<NA>\n"
    assert rename(text, {}) == text
    assert rename(text, {("a", "Ann B"): "P"}) == text.replace("Ann B", "P")


def test_a_decomposed_name_is_the_same_and_line_ends_become_one() -> None:
    text = "\ufeffSPEAKER a 1 0 1 <NA> <NA> Zoe\u0308 <NA> <NA>\r\n"
    found = rename(text, {("a", "Zo\u00eb"): "P"})
    assert found == "SPEAKER a 1 0 1 <NA> <NA> P <NA> <NA>\n"
    assert read_rttm(io.StringIO(found))["a"].labels() == ["P"]


def test_a_new_name_is_one_word() -> None:
    with pytest.raises(ArgumentError, match="one word"):
        rename("", {("a", "b"): "two words"})
