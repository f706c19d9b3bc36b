"""Turn-taking of simulated windows."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.embedded.data.turns import TurnConfig, TurnTaking, read_templates, read_turns

LONG = [
    (0, 500, "a"),
    (450, 900, "b"),
    (950, 1000, "c"),
    (1000, 1100, "d"),
    (1100, 2500, "a"),
    (2600, 2640, "b"),
    (2630, 2700, "c"),
    (2700, 3000, "a"),
]
SHORT = [(20, 80, "x")]
CERTAIN = {"empty_probability": 0.0, "invented_probability": 0.0, "interjection_probability": 0.0}


def take_turns(templates=((LONG,), (SHORT,)), **changes):
    return TurnTaking([list(corpus) for corpus in templates], TurnConfig(**changes))


def within(turns, config):
    """Whether turns lie in the window, and are of no more speakers than it has."""
    names = {name for _, _, name in turns}
    return len(names) <= config.speakers and all(
        0 <= start < end <= config.frames for start, end, _ in turns
    )


def test_read_turns(tmp_path):
    file = tmp_path / "a.rttm"
    file.write_text(
        "SPEAKER a 1 2.50 1.00 <NA> <NA> y <NA> <NA>\n"
        ";; comment\nSPEAKER a 1 0.10 0.90 <NA> <NA> x <NA> <NA>\n"
    )
    assert read_turns(file) == [(10, 100, "x"), (250, 350, "y")]


def test_templates_are_of_two_corpora_and_never_empty(tmp_path):
    for corpus, names in {"ami/train": "xy", "voxconverse/dev": "z"}.items():
        (tmp_path / corpus).mkdir(parents=True)
        (tmp_path / corpus / "nobody.rttm").write_text("")
        for name in names:
            line = f"SPEAKER {name} 1 1.00 1.00 <NA> <NA> {name} <NA> <NA>\n"
            (tmp_path / corpus / f"{name}.rttm").write_text(line)
    ami, voxconverse = read_templates(tmp_path)
    assert ami == [[(100, 200, "x")], [(100, 200, "y")]]
    assert voxconverse == [[(100, 200, "z")]]
    forced = tmp_path / "ami-mfa" / "train"
    forced.mkdir(parents=True)
    (forced / "x.rttm").write_text("SPEAKER x 1 1.00 0.50 <NA> <NA> x <NA> <NA>\n")
    assert read_templates(tmp_path) == [[[(100, 150, "x")]], voxconverse]


@settings(deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(100, 1200),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 1.0]),
)
def test_turns_lie_in_the_window(seed, speakers, frames, invented, interjected):
    taking = take_turns(
        frames=frames,
        speakers=speakers,
        invented_probability=invented,
        interjection_probability=interjected,
    )
    turns = taking.draw(np.random.default_rng(seed))
    assert within(turns, taking.config)
    assert turns == taking.draw(np.random.default_rng(seed))


def test_nobody_talks_in_empty_windows():
    taking = take_turns(empty_probability=1.0, interjection_probability=1.0)
    assert taking.draw(np.random.default_rng(0)) == []


def cut_at(begin, frames, speakers):
    """Cut a window out of the long conversation, of those who talk most in it."""
    inside = [
        (max(start - begin, 0), min(end - begin, frames), name)
        for start, end, name in LONG
        if start < begin + frames and begin < end
    ]
    time = Counter()
    for start, end, name in inside:
        time[name] += end - start
    chosen = [name for name, _ in time.most_common(speakers)]
    return [turn for turn in inside if turn[2] in chosen]


def test_a_cut_is_what_lies_in_it_of_the_most_active():
    taking = take_turns(((LONG,),), **CERTAIN, speakers=2)
    known = [cut_at(begin, frames=1000, speakers=2) for begin in range(2001)]
    drawn = [taking.cut_template(np.random.default_rng(seed)) for seed in range(30)]
    assert all(turns in known for turns in drawn)
    assert len(set(map(tuple, drawn))) > 20


def test_a_template_shorter_than_the_window_is_whole():
    taking = take_turns(((SHORT,),), **CERTAIN)
    for seed in range(5):
        assert taking.draw(np.random.default_rng(seed)) == SHORT


def test_corpora_are_drawn_from_alike():
    taking = take_turns(((LONG,) * 50, (SHORT,)), **CERTAIN, dense_probability=0.0)
    generator = np.random.default_rng(0)
    short = sum(taking.draw(generator) == SHORT for _ in range(200))
    assert 70 < short < 130


def test_dense_windows_have_more_overlap_and_change():
    def liveliness(probability):
        taking = take_turns(((LONG,),), **CERTAIN, dense_probability=probability)
        generator = np.random.default_rng(0)
        drawn = [taking.draw(generator) for _ in range(100)]
        return np.mean(
            [sum(one[2] != other[2] for one, other in pairwise(turns)) for turns in drawn]
        )

    assert liveliness(1.0) > 1.2 * liveliness(0.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_invented_turns_follow_each_other(seed):
    taking = take_turns()
    turns = taking.invent_turns(np.random.default_rng(seed))
    assert within(turns, taking.config)
    starts = [start for start, _, _ in turns]
    assert starts == sorted(starts)
    assert all(end - start <= 800 for start, end, _ in turns)
    # Only what the window cuts off is shorter than a fifth of a second.
    assert all(end - start >= 20 for start, end, _ in turns if start > 0 and end < 1000)


def test_interjections_leave_the_turns_and_are_short():
    taking = take_turns(interjection_probability=1.0)
    turns = [(0, 300, "a"), (500, 700, "b")]
    drawn = [taking.interject(turns, np.random.default_rng(seed)) for seed in range(20)]
    assert all(found[:2] == turns for found in drawn)
    added = [turn for found in drawn for turn in found[2:]]
    assert added
    assert all(25 <= end - start < 100 and start >= 0 and end <= 1000 for start, end, _ in added)
    for found in drawn:  # nobody talks twice at once
        for name in "ab":
            own = sorted(turn for turn in found if turn[2] == name)
            assert all(before[1] <= after[0] for before, after in pairwise(own))
    assert taking.interject([], np.random.default_rng(0)) == []


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_turns_given_are_not_changed(probability):
    turns = list(LONG)
    taking = take_turns(((turns,),), interjection_probability=probability, empty_probability=0.0)
    for seed in range(10):
        taking.draw(np.random.default_rng(seed))
    assert turns == LONG
