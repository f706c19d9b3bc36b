"""Names from a gallery for the speakers of a finished diarization."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment

from diarspk.diarization.identification import name_speakers
from diarspk.diarization.result import Diarization
from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.gallery import Gallery, create_gallery
from tests.diarspk.diarization.test_result import make_first_pass, orthogonal_voices, postprocess

EYE = np.eye(6, dtype=np.float32)


@pytest.fixture
def gallery(tmp_path: Path):
    with create_gallery(tmp_path / "g", Space("abc", 6)) as made:
        for name, row in (("ann", EYE[0]), ("ben", EYE[1])):
            made.enroll(name, row, fingerprint="abc")
        yield made


def near(axis: int, other: int, share: float) -> np.ndarray:
    row = EYE[axis] + share * EYE[other]
    return row / np.linalg.norm(row)


def diarization(speakers: dict[str, np.ndarray], fingerprint: str = "abc") -> Diarization:
    annotation, exclusive = Annotation(uri="meeting"), Annotation(uri="meeting")
    for index, label in enumerate(speakers):
        annotation[Segment(2 * index, 2 * index + 3), index] = label  # neighbours overlap
        exclusive[Segment(2 * index, 2 * index + 2), index] = label
    confidence = {(segment, track): 0.9 for segment, track in annotation.itertracks()}
    return Diarization(annotation, exclusive, speakers, fingerprint, confidence, 9.0)


def test_known_speakers_get_their_names_and_strangers_keep_their_labels(gallery: Gallery) -> None:
    speakers = {"SPEAKER_00": near(1, 3, 0.2), "SPEAKER_01": EYE[4], "SPEAKER_02": near(0, 5, 0.1)}
    given = diarization(speakers)
    named = name_speakers(given, gallery, threshold=0.6)
    assert list(named.speakers) == ["ben", "SPEAKER_01", "ann"]
    assert [label for *_, label in named.annotation.itertracks(yield_label=True)] == [
        "ben",
        "SPEAKER_01",
        "ann",
    ]
    assert named.exclusive.labels() == sorted(["ben", "SPEAKER_01", "ann"])
    np.testing.assert_array_equal(named.speakers["ben"], speakers["SPEAKER_00"])
    assert set(named.confidence) == set(named.annotation.itertracks())
    assert (named.uri, named.duration) == ("meeting", 9.0)
    assert given.annotation.labels() == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_a_name_is_given_once_to_the_nearest(gallery: Gallery) -> None:
    speakers = {"SPEAKER_00": near(0, 3, 0.5), "SPEAKER_01": near(0, 3, 0.1)}
    named = name_speakers(diarization(speakers), gallery, threshold=0.6)
    assert list(named.speakers) == ["SPEAKER_00", "ann"]


def test_another_space_is_refused(gallery: Gallery) -> None:
    with pytest.raises(ModelError, match="got one of other"):
        name_speakers(diarization({"SPEAKER_00": EYE[0]}, "other"), gallery, threshold=0.6)


def test_a_name_that_another_speaker_keeps_is_not_given_twice(gallery: Gallery) -> None:
    given = diarization({"ann": EYE[4], "SPEAKER_01": near(0, 5, 0.1), "SPEAKER_02": EYE[1]})
    named = name_speakers(given, gallery, threshold=0.6)
    assert list(named.speakers) == ["ann", "SPEAKER_01", "ben"]


def test_a_result_can_be_edited_after_it_has_been_named(tmp_path: Path) -> None:
    result = postprocess(make_first_pass([[0, 1], [1, -1], [2, 0], [0, -1], [2, 1], [0, 1]]))
    with create_gallery(tmp_path / "g", Space("print", 16)) as people:
        people.enroll("ann", orthogonal_voices()[1].astype(np.float32), fingerprint="print")
        named = name_speakers(result, people, threshold=0.6)
    assert list(named.speakers) == ["SPEAKER_00", "ann", "SPEAKER_02"]
    assert set(named.merge(["ann", "SPEAKER_02"]).speakers) == {"SPEAKER_00", "ann"}
    assert "ann" in named.split("ann").speakers
    assert "eve" in named.rename({"ann": "eve"}).speakers
    assert named.linking.names == {0: "SPEAKER_00", 1: "ann", 2: "SPEAKER_02"}
