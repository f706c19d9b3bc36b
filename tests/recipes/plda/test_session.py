"""What a window, an utterance, a room and a speaker change, measured where it is known."""

from itertools import pairwise

import numpy as np
import pytest

from diarspk.clustering.plda import Plda
from diarspk.errors import ArgumentError
from eval.embeddings.speech import Utterance
from recipes.plda.rooms import RoomSettings, Windows, choose_utterances, render_room
from recipes.plda.session import measure_variation, room_directions

DIMENSION = 12
PLAIN = Plda(np.zeros(DIMENSION), np.zeros(DIMENSION), np.eye(DIMENSION), np.full(DIMENSION, 1.0))


class Unscaled(Plda):
    """A PLDA whose space is that of the embeddings."""

    def project(self, embeddings):
        return np.asarray(embeddings, np.float64)


def windows(group, generator, *, speakers=6, rooms=4, each=6):
    """Windows of two utterances of each speaker in each room; a room moves the first axis alone."""
    voices = generator.normal(size=(speakers, DIMENSION))
    utterances = 0.3 * generator.normal(size=(speakers, 2, DIMENSION))
    places = np.zeros((rooms, DIMENSION))
    places[:, 0] = 2.0 * generator.normal(size=rooms)
    rows = [
        (speaker, take, room, step)
        for room in range(rooms)
        for speaker in range(speakers)
        for take in range(2)
        for step in range(each)
    ]
    speaker, take, room, step = np.array(rows).T
    noise = 0.5 * generator.normal(size=(len(rows), DIMENSION))
    return Windows(
        voices[speaker] + utterances[speaker, take] + places[room] + noise,
        1000 * group + speaker,
        1000 * group + 2 * speaker + take,
        rooms * group + room,
        np.full(len(rows), group),
        1.5 * step,
    )


def test_variances_are_those_that_windows_were_made_with():
    generator = np.random.default_rng(0)
    made = [windows(group, generator) for group in range(30)]
    plda = Unscaled(PLAIN.origin, PLAIN.mean, PLAIN.transform, PLAIN.between)
    found = measure_variation(made, plda)
    assert found.shares["noise"] == pytest.approx(0.25, rel=0.1)
    assert found.shares["utterance"] == pytest.approx(0.09, rel=0.3)
    assert found.shares["room"] == pytest.approx(4.0 / DIMENSION, rel=0.3)
    assert found.shares["speaker"] == pytest.approx(1.0, rel=0.2)
    direction = room_directions(found, 1)
    assert abs(direction[0, 0]) > 0.99


@pytest.fixture
def table(tmp_path):
    lines = ["corpus\tspeaker\tutterance\tspeech_seconds"]
    for speaker in range(5):
        for take in range(3):
            lines.append(f"common-voice\ts{speaker}\ts{speaker}-{take}\t{2.5 + take}")
    lines.append("common-voice\tshort\tshort-0\t1.0")
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_groups_have_speakers_of_two_utterances_each(table):
    chosen = choose_utterances(table, RoomSettings(groups=2, speakers=2))
    assert sorted(chosen.values()) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len({name.partition("-")[0] for name in chosen}) == 4
    assert choose_utterances(table, RoomSettings(groups=2, speakers=2)) == chosen


def test_too_few_speakers_are_told(table):
    with pytest.raises(ArgumentError, match="must be at most 5"):
        choose_utterances(table, RoomSettings(groups=3, speakers=2))


def test_utterances_lie_one_after_the_other_in_a_room():
    generator = np.random.default_rng(0)
    spoken = [
        Utterance(f"{name}-{take}", name, generator.normal(size=16000).astype(np.float32))
        for name in ("ann", "bob")
        for take in range(2)
    ]
    noise = [generator.normal(size=8000).astype(np.float32)]
    samples, placed = render_room(spoken, noise, generator)
    assert np.abs(samples).max() <= 1.0
    assert len(samples) == pytest.approx(4 * 1.3 * 16000, abs=4)
    assert sorted((one.speaker, one.utterance) for one in placed) == [
        (0, 0),
        (0, 1),
        (1, 2),
        (1, 3),
    ]
    assert all(later.start >= one.end for one, later in pairwise(placed))
