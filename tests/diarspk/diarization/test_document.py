"""The JSON of a diarization: everything that a result knows, as its schema describes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import diarspk.diarization
from diarspk.diarization.config_file import parse_config
from diarspk.diarization.result import Diarization
from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from diarspk.transcripts.diarization_json import read_turn_items
from tests.diarspk.diarization.test_result import CONFIG, make_first_pass, postprocess

SCHEMA = json.loads(
    (Path(diarspk.diarization.__file__).parent / "diarization.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture
def result() -> Diarization:
    return postprocess(make_first_pass([[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]]), CONFIG)


def test_the_schema_is_one_and_names_every_key(result: Diarization) -> None:
    VALIDATOR.check_schema(SCHEMA)
    document = result.to_dict(vectors=True)
    VALIDATOR.validate(document)
    assert set(document) == set(SCHEMA["required"]) == set(SCHEMA["properties"])
    one = SCHEMA["$defs"]["speaker"]["properties"]
    assert set(document["speaker_details"][0]) == set(one)
    assert set(document["turns"][0]) == set(SCHEMA["$defs"]["turn"]["properties"])


def test_the_schema_refuses_another_document(result: Diarization) -> None:
    for fault in ({"version": 2}, {"turns": [{"start": 0.0}]}, {"count_scores": {"two": 1.0}}):
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate({**result.to_dict(), **fault})


def test_speech_of_speakers_adds_up(result: Diarization) -> None:
    document = result.to_dict()
    assert [one["speaker"] for one in document["speaker_details"]] == document["speakers"]
    for key, turns in (("speech", "turns"), ("exclusive_speech", "exclusive")):
        for one in document["speaker_details"]:
            own = [turn for turn in document[turns] if turn["speaker"] == one["speaker"]]
            assert one[key] == pytest.approx(sum(turn["end"] - turn["start"] for turn in own))


def test_vectors_are_the_speakers(result: Diarization) -> None:
    assert all("vector" not in one for one in result.to_dict()["speaker_details"])
    for one in result.to_dict(vectors=True)["speaker_details"]:
        np.testing.assert_allclose(one["vector"], result.speakers[one["speaker"]], atol=1e-6)


def test_the_settings_are_those_that_a_file_would_give(result: Diarization) -> None:
    assert parse_config(result.to_dict()["settings"]) == CONFIG
    assert replace(result, postprocessing=None).to_dict()["settings"] is None


def test_spurious_speakers_and_warnings_are_said(result: Diarization) -> None:
    doubtful = replace(result, spurious_speakers=("SPEAKER_01",), warnings=("very quiet",))
    document = doubtful.to_dict()
    spurious = [one["speaker"] for one in document["speaker_details"] if one["spurious"]]
    assert (spurious, document["warnings"]) == (["SPEAKER_01"], ["very quiet"])


def test_names_are_one_line_and_keep_their_vector(result: Diarization) -> None:
    renamed = result.rename({"SPEAKER_00": "Ann\nBee"})
    first = renamed.to_dict(vectors=True)["speaker_details"][0]
    assert first["speaker"] == "Ann Bee"
    np.testing.assert_allclose(first["vector"], renamed.speakers["Ann\nBee"], atol=1e-6)


def test_an_empty_result_is_a_document(result: Diarization) -> None:
    empty = replace(
        result, annotation=result.annotation.empty(), exclusive=result.annotation.empty()
    )
    document = empty.to_dict()
    VALIDATOR.validate(document)
    assert (document["turns"], document["speaker_details"]) == ([], [])


def test_files_have_the_document(result: Diarization, tmp_path: Path) -> None:
    result.write(tmp_path / "a.json", vectors=True)
    assert json.loads((tmp_path / "a.json").read_text()) == result.to_dict(vectors=True)
    assert len(read_turn_items(str(tmp_path / "a.json"))[1]) == len(result.confidence)


def test_exclusive_files_have_one_speaker_at_a_time(result: Diarization, tmp_path: Path) -> None:
    result.write(tmp_path / "a.rttm", exclusive=True)
    result.write(tmp_path / "a.json", exclusive=True)
    (written,) = read_rttm(tmp_path / "a.rttm").values()
    assert not written.get_overlap()
    document = json.loads((tmp_path / "a.json").read_text())
    VALIDATOR.validate(document)
    assert document["turns"] == document["exclusive"] == result.to_dict()["exclusive"]
    with pytest.raises(ArgumentError, match="must end in one of"):
        result.write(tmp_path / "a.doc")
