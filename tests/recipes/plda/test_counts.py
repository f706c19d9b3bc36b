"""The fit of the probabilities of numbers of people, and the pieces that it is made on."""

import numpy as np
import pytest
from pyannote.core import Annotation, Segment
from scipy.optimize import approx_fprime

from diarspk.clustering.count_model import UNWEIGHED, CountModel, CountSigns
from diarspk.clustering.speaker_changes import Change
from diarspk.diarization.local_speakers import FirstPass, LocalSpeakers
from diarspk.diarization.subsegments import Subsegments
from recipes.plda import counts
from recipes.plda.counts import Counted, fit, plan
from recipes.plda.pieces import PieceSettings, Session, cut_pieces

HOP = 0.02
TRUE = CountModel((-2.0, -0.5, 0.3, 0.2, 0.0), (1.0, 0.6, -0.5, 0.0, 0.0, -1.0))


def some_signs(generator, speakers=3):
    def changes(count, low, high):
        return [
            Change(float(ratio), float(size), np.zeros(1, np.int64), 0)
            for ratio, size in zip(
                generator.uniform(low, high, count), generator.uniform(0.5, 20, count), strict=True
            )
        ]

    return CountSigns(
        speakers,
        float(generator.uniform(20, 200)),
        changes(2 * speakers, 0, 60),
        changes(speakers - 1, -60, 5),
        float(generator.uniform()),
    )


def drawn(generator, signs):
    """A true number of people, drawn from the posterior."""
    posterior = TRUE.posterior(signs)
    return int(generator.choice(list(posterior), p=list(posterior.values())))


@pytest.mark.parametrize("difference", [-2, 0, 3, 50])
def test_the_gradient_is_that_of_the_likelihood(difference):
    generator = np.random.default_rng(0)
    more, fewer = generator.normal(size=(5, 5)), generator.normal(size=(3, 6))
    weights = generator.normal(size=11)

    def value(point):
        return counts._log_likelihood(more, fewer, difference, point, 5)[0]

    gradient = counts._log_likelihood(more, fewer, difference, weights, 5)[1]
    np.testing.assert_allclose(gradient, approx_fprime(weights, value, 1e-7), atol=1e-4)


def test_a_fit_is_nearer_to_the_truth_than_the_rule_of_thumb():
    generator = np.random.default_rng(1)
    made = [some_signs(generator, speakers=int(generator.integers(1, 5))) for _ in range(150)]
    fitted = fit([Counted(signs, drawn(generator, signs)) for signs in made])
    fresh = [some_signs(generator) for _ in range(40)]

    def distance(model):
        return np.mean(
            [
                sum(
                    abs(model.posterior(signs).get(k, 0) - TRUE.posterior(signs).get(k, 0))
                    for k in range(20)
                )
                for signs in fresh
            ]
        )

    assert distance(fitted) < 0.7 * distance(UNWEIGHED)


def test_sessions_are_planned_as_the_docs_say():
    plans = plan()
    assert len(plans) == 70
    assert len({one.name for one in plans}) == 70
    assert all(0.5 <= one.minutes <= 5.0 for one in plans)
    assert all(one.people == 1 or 60 * one.minutes >= 5 * one.people for one in plans)
    assert {one.rooms for one in plans} == {"one", "changing", "joined"}
    assert plan() == plans != plan(seed=1)


def session(people, seconds=60.0, dimension=8, seed=0):
    """People who talk in turns of five seconds; a subsegment every half second."""
    generator = np.random.default_rng(seed)
    voices = generator.normal(size=(len(people), dimension))
    centre = np.arange(0.75, seconds - 0.75, 0.5)
    turn = (centre // 5).astype(int) % len(people)
    embeddings = voices[turn] + 0.1 * generator.normal(size=(len(centre), dimension))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    windows = int(seconds // 10)
    local = LocalSpeakers(
        activity=np.zeros((windows, round(10 / HOP), 2), np.float32),
        first=np.arange(windows) * round(10 / HOP),
        embeddings=np.zeros((windows, 2, dimension), np.float32),
        seconds=np.full((windows, 2), 5.0),
        frames=round(seconds / HOP),
        hop=HOP,
        start=0.0,
        subsegments=Subsegments(
            np.round(centre / HOP).astype(np.int64),
            embeddings.astype(np.float32),
            np.full(len(centre), 1.5),
        ),
    )
    reference = Annotation()
    for number in range(int(seconds // 5)):
        reference[Segment(5 * number, 5 * number + 5)] = people[number % len(people)]
    return Session(FirstPass("made", seconds, "print", local), reference)


def test_pieces_are_parts_of_sessions_with_the_people_who_talk_in_them():
    sessions = [session(["ann", "bob"]), session(["eve", "joe"], seed=1)]
    whole = list(cut_pieces(sessions, PieceSettings(pieces=6, joined=0.0), min_talk_s=3.0))
    assert len(whole) == 12
    assert {piece.people for piece in whole} == {2}
    assert all(piece.inputs.dialogue == 1.0 for piece in whole)
    known = np.concatenate([one.first.local.subsegments.embeddings for one in sessions])
    for piece in whole:
        similarity = np.asarray(piece.inputs.embeddings) @ known.T
        np.testing.assert_allclose(similarity.max(axis=1), 1.0, atol=1e-5)
        assert len(piece.inputs.durations) == len(piece.inputs.embeddings)


def test_joined_pieces_have_the_people_of_all_and_a_microphone_makes_them_alike():
    sessions = [session(["ann", "bob"]), session(["eve", "joe"], seed=1)]
    joined = list(cut_pieces(sessions, PieceSettings(pieces=20, joined=1.0), min_talk_s=3.0))
    assert max(piece.people for piece in joined) == 4
    alike = [
        np.mean(
            [
                np.linalg.norm(np.mean(piece.inputs.embeddings, axis=0))
                for piece in cut_pieces(
                    sessions, PieceSettings(pieces=20, microphones=share), min_talk_s=3.0
                )
            ]
        )
        for share in (0.0, 1.0)
    ]
    assert alike[1] > alike[0] + 0.05


def test_the_same_seed_gives_the_same_pieces():
    sessions = [session(["ann", "bob"])]
    one, other = (
        list(cut_pieces(sessions, PieceSettings(pieces=3, seed=4), min_talk_s=3.0))
        for _ in range(2)
    )
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first.inputs.embeddings, second.inputs.embeddings)
