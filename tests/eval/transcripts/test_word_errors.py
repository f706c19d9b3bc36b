"""Error rates of words with speakers, against cases worked by hand."""

from __future__ import annotations

import pytest

from eval.transcripts.word_errors import WordErrors, concatenated_errors, diarization_errors

pytest.importorskip("kaldialign")

SPOKEN = [
    *[(word, "Ann") for word in ("how", "are", "you")],
    *[(word, "Ben") for word in ("fine", "thanks")],
    ("good", "Ann"),
]


def test_wder_of_a_case_worked_by_hand() -> None:
    """One inserted word, one deleted ("are"), one substituted, and two of the wrong speaker.

    Aligned are how, you, fine, thanks -> tanks, good: five words. Ann is S1, Ben is S0. "you" has
    S0 instead of S1, "tanks" has S1 instead of S0: 2 of 5.
    """
    recognised = [
        ("how", "S1"),
        ("you", "S0"),
        ("fine", "S0"),
        ("tanks", "S1"),
        ("good", "S1"),
        ("night", "S1"),
    ]
    found = diarization_errors(SPOKEN, recognised)
    assert found == WordErrors(2, 5)
    assert found.rate == 0.4


def test_the_names_of_the_hypothesis_do_not_matter_and_a_perfect_one_has_no_error() -> None:
    renamed = [(word, {"Ann": "x", "Ben": "y"}[speaker]) for word, speaker in SPOKEN]
    assert diarization_errors(SPOKEN, renamed) == WordErrors(0, 6)
    assert concatenated_errors(SPOKEN, renamed) == WordErrors(0, 6)


def test_a_speaker_too_many_is_wrong_in_all_words_and_nobody_always() -> None:
    split = [*SPOKEN[:5], ("good", "Cid")]
    assert diarization_errors(SPOKEN, split) == WordErrors(1, 6)
    assert diarization_errors(SPOKEN, [(word, None) for word, _ in SPOKEN]) == WordErrors(6, 6)


def test_words_that_do_not_count_still_match_the_speakers() -> None:
    counted = [True, True, True, False, False, False]
    assert diarization_errors(SPOKEN, SPOKEN, counted) == WordErrors(0, 3)


def test_cpwer_counts_a_word_of_the_wrong_speaker_twice() -> None:
    """Missing in what Ben says, inserted in what Ann says: two errors of six words."""
    moved = [*SPOKEN[:4], ("thanks", "Ann"), SPOKEN[5]]
    assert concatenated_errors(SPOKEN, moved) == WordErrors(2, 6)


def test_nothing_said_has_no_error_and_counts_add_up() -> None:
    assert diarization_errors([], []).rate == 0.0
    assert WordErrors(1, 4) + WordErrors(2, 2) == WordErrors(3, 6)
