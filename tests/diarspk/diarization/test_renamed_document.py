"""Other names of speakers in a JSON document."""

from __future__ import annotations

from diarspk.diarization.renamed_document import renamed_document, renamed_texts


def test_names_are_swapped_at_once_and_all_else_stays() -> None:
    turns = [{"start": 0, "end": 1, "speaker": "A", "confidence": 0.5}]
    document = {
        "uri": "A",
        "speakers": ["A", "B", "C"],
        "turns": turns,
        "exclusive": turns,
        "speaker_details": [{"speaker": "A", "turns": 1}, {"speaker": "B", "turns": 0}],
        "warnings": ["A talks less than B; AB and A_B do not"],
        "another key": 1,
    }
    renamed = renamed_document(document, {"A": "B", "B": "A"})
    assert renamed == {
        "uri": "A",
        "speakers": ["A", "B", "C"],
        "turns": [{"start": 0, "end": 1, "speaker": "B", "confidence": 0.5}],
        "exclusive": [{"start": 0, "end": 1, "speaker": "B", "confidence": 0.5}],
        "speaker_details": [{"speaker": "A", "turns": 0}, {"speaker": "B", "turns": 1}],
        "warnings": ["B talks less than A; AB and A_B do not"],
        "another key": 1,
    }
    assert renamed_document(renamed, {"A": "B", "B": "A"}) == document
    assert turns[0]["speaker"] == "A"
    assert renamed_document({"turns": []}, {}) == {"turns": []}


def test_texts_name_the_longest_speaker() -> None:
    names = {"Ann": "A", "Ann Lee": "B", "S.1": "C"}
    assert renamed_texts(["Ann Lee and Ann; S.1, SX1"], names) == ["B and A; C, SX1"]
    assert renamed_texts(("Ann",), {}) == ["Ann"]
