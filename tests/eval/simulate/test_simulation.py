"""Conversations simulated of noises that stand for voices, on templates of a few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment, Timeline

from diarspk.errors import ArgumentError
from eval.diarization.conversation import Conversation
from eval.simulate.conversation import Simulated, Sources, simulate
from eval.simulate.settings import SimulationConfig
from eval.simulate.statistics import describe
from eval.simulate.templates import cut_stretch, draw_stretch
from eval.simulate.voices import Voice, dense_speech, fade

RATE = 16000
CONFIG = SimulationConfig(
    seconds=5.0, least_talk_s=0.5, single_speaker_probability=0.0, room_probability=0.0
)
CLEAN = replace(CONFIG, noise_probability=0.0)
TURNS = [
    (0.0, 2.0, "anna"),
    (1.5, 3.0, "ben"),
    (3.2, 4.0, "anna"),
    (3.5, 6.0, "carl"),
    (6.1, 8.0, "ben"),
    (7.0, 9.0, "anna"),
]


def annotate(turns: Sequence[tuple[float, float, str]]) -> Annotation:
    annotation = Annotation()
    for number, (start, end, name) in enumerate(turns):
        annotation[Segment(start, end), number] = name
    return annotation


def noise(seconds: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (0.01 * (seed + 1) * generator.normal(size=round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def sources() -> Sources:
    voices = {
        f"voice-{number}": [noise(0.5 + 0.1 * number, 10 * number + copy) for copy in range(3)]
        for number in range(5)
    }
    return Sources(voices, [[annotate(TURNS)]], [noise(3.0, 99)])


def turns_of(reference: Annotation) -> list[tuple[float, float, str]]:
    return [
        (turn.start, turn.end, name) for turn, _, name in reference.itertracks(yield_label=True)
    ]


def mask(reference: Annotation, name: str | None, length: int) -> np.ndarray:
    inside = np.zeros(length, np.bool_)
    for start, end, speaker in turns_of(reference):
        if name in (None, speaker):
            inside[round(start * RATE) : round(end * RATE)] = True
    return inside


def decibels(samples: np.ndarray) -> float:
    return 10 * np.log10(np.mean(samples.astype(float) ** 2))


def assert_same(one: Simulated, other: Simulated) -> None:
    assert turns_of(one.reference) == turns_of(other.reference)
    assert np.array_equal(one.mixture, other.mixture)


def test_a_conversation_depends_on_seed_and_number_alone(sources: Sources) -> None:
    first = simulate(sources, CONFIG, seed=3, number=2)
    simulate(sources, CONFIG, seed=3, number=0)
    assert_same(first, simulate(sources, CONFIG, seed=3, number=2))
    for seed, number in ((3, 1), (2, 2), (2, 3)):
        other = simulate(sources, CONFIG, seed=seed, number=number)
        assert not np.array_equal(first.mixture, other.mixture)


def test_names_and_their_order_play_no_part(sources: Sources) -> None:
    renamed = annotate(TURNS).rename_labels({"anna": "z", "ben": "a", "carl": "m"})
    backwards = dict(reversed(sources.voices.items()))
    other = Sources(backwards, [[renamed]], sources.noise)
    for number in range(4):
        assert_same(
            simulate(sources, CONFIG, seed=0, number=number),
            simulate(other, CONFIG, seed=0, number=number),
        )


@pytest.mark.parametrize("number", range(6))
def test_the_reference_is_exactly_what_was_laid(sources: Sources, number: int) -> None:
    made = simulate(sources, CLEAN, seed=1, number=number)
    length = round(CLEAN.seconds * RATE)
    assert set(made.dry) == set(made.reference.labels()) <= set(sources.voices)
    for name, dry in made.dry.items():
        inside = mask(made.reference, name, length)
        assert len(dry) == length and not dry[~inside].any()
    for start, end, name in turns_of(made.reference):
        turn = made.dry[name][round(start * RATE) : round(end * RATE)]
        assert all(block.any() for block in np.array_split(turn, max(len(turn) // 160, 1)))
    np.testing.assert_allclose(made.mixture, np.sum(list(made.dry.values()), axis=0), atol=1e-6)


def test_turns_and_overlap_are_those_of_the_template(sources: Sources) -> None:
    whole = replace(CLEAN, seconds=9.0)
    made = simulate(sources, whole, seed=0, number=0)
    laid = turns_of(made.reference)
    cast = {name: speaker for (*_, name), (*_, speaker) in zip(TURNS, laid, strict=True)}
    assert len(set(cast.values())) == 3
    assert laid == [(start, end, cast[name]) for start, end, name in TURNS]
    both = mask(made.reference, cast["anna"], 9 * RATE) & mask(
        made.reference, cast["ben"], 9 * RATE
    )
    assert both.sum() == 1.5 * RATE  # 1.5 to 2 and 7 to 8 s
    assert (np.abs(made.dry[cast["anna"]][both]) > 0).mean() > 0.99
    assert (np.abs(made.dry[cast["ben"]][both]) > 0).mean() > 0.99


def test_who_talks_most_has_most_speech(sources: Sources) -> None:
    whole = replace(CLEAN, seconds=9.0)
    for number in range(5):
        made = simulate(sources, whole, seed=5, number=number)
        speakers = list(dict.fromkeys(name for *_, name in turns_of(made.reference)))
        # Anna, ben, carl talk 4.8, 3.4, 2.5 s; the higher the number, the longer the utterances.
        assert speakers == sorted(speakers, reverse=True)


@given(number=st.integers(0, 10_000), ratio=st.floats(-5, 30), peak=st.floats(-30, 0))
@settings(deadline=None, max_examples=20)
def test_levels_are_those_that_were_asked_for(
    sources: Sources, number: int, ratio: float, peak: float
) -> None:
    config = replace(CONFIG, noise_ratio_db=(ratio, ratio), peak_db=(peak, peak))
    made = simulate(sources, config, seed=0, number=number)
    talking = mask(made.reference, None, len(made.speech))
    assert decibels(made.speech[talking]) - decibels(made.noise) == pytest.approx(ratio, abs=0.05)
    assert 20 * np.log10(np.abs(made.mixture).max()) == pytest.approx(peak, abs=0.01)


def test_ranges_of_the_defaults_are_kept_and_filled(sources: Sources) -> None:
    made = [simulate(sources, CONFIG, seed=0, number=number) for number in range(20)]
    peaks = [20 * np.log10(np.abs(one.mixture).max()) for one in made]
    assert -20.01 <= min(peaks) < -15 and -6 < max(peaks) <= -0.99


def test_speakers_have_levels_of_their_own(sources: Sources) -> None:
    level = replace(CLEAN, speaker_level_deviation_db=0.0, turn_level_deviation_db=0.0)
    for config, least, most in ((level, 0.0, 0.5), (CLEAN, 1.0, 30.0)):
        spreads = []
        for number in range(8):
            made = simulate(sources, config, seed=0, number=number)
            levels = [decibels(dry[np.abs(dry) > 0]) for dry in made.dry.values()]
            spreads.append(max(levels) - min(levels))
        assert least <= np.mean(spreads) <= most


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_nothing_is_repeated_until_all_is_used(lengths: list[int], seed: int) -> None:
    utterances = [np.full(length, 2.0 + index, np.float32) for index, length in enumerate(lengths)]
    utterances = [np.concatenate([[index], one]) for index, one in enumerate(utterances)]
    generator = np.random.default_rng(seed)
    voice = Voice(utterances, generator)
    total = sum(map(len, utterances))
    taken = []
    while sum(map(len, taken)) < total:
        taken.append(voice.take(min(int(generator.integers(1, 9)), total - sum(map(len, taken)))))
    expected = np.concatenate([one / np.sqrt(np.mean(one**2)) for one in utterances])
    np.testing.assert_allclose(np.sort(np.concatenate(taken)), np.sort(expected), rtol=1e-5)
    again = voice.take(total)
    np.testing.assert_allclose(np.sort(again), np.sort(expected), rtol=1e-5)


def test_pauses_are_cut_and_short_ones_kept() -> None:
    # 0.1 s is three chunks: the pause of three stays, that of four is cut.
    probability = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], np.float32)
    waveform = np.repeat(np.arange(1, 14, dtype=np.float32), 512)
    dense = dense_speech(waveform, probability, threshold=0.5, longest_pause_s=0.1)
    assert dense[256::512].tolist() == [2, 3, 4, 5, 6, 7, 12]
    assert dense[0] < 0.1 and dense[6 * 512 - 1] < 0.1 and dense[6 * 512] < 0.1  # faded joins
    assert not len(dense_speech(waveform, 0 * probability, threshold=0.5, longest_pause_s=0.1))


def test_the_last_chunk_may_be_shorter() -> None:
    dense = dense_speech(
        np.ones(700, np.float32), np.ones(2, np.float32), threshold=0.5, longest_pause_s=0.1
    )
    assert len(dense) == 700


@given(st.integers(0, 400))
def test_a_fade_leaves_the_middle_and_the_input(length: int) -> None:
    waveform = np.ones(length, np.float32)
    faded = fade(waveform)
    assert np.array_equal(waveform, np.ones(length))
    assert np.array_equal(faded, faded[::-1]) and len(faded) == length
    assert (faded[80:-80] == 1).all() and (faded > 0).all()


def test_a_stretch_is_clipped_joined_and_rid_of_slivers() -> None:
    config = SimulationConfig(seconds=10.0, least_talk_s=1.0, shortest_turn_s=0.2)
    annotation = annotate(
        [
            (90.0, 101.0, "anna"),
            (101.0, 103.0, "anna"),  # touches
            (102.5, 104.0, "anna"),  # overlaps
            (103.0, 104.5, "ben"),
            (109.9, 120.0, "ben"),  # 0.1 s of it is inside
            (105.0, 105.9, "carl"),  # talks too little
            (110.0, 130.0, "dora"),  # after the end
        ]
    )
    stretch = cut_stretch(annotation, 100.0, config)
    assert turns_of(stretch) == [(0.0, 4.0, "anna"), (3.0, 4.5, "ben")]


@given(st.integers(0, 99), st.floats(0.5, 9.0))
def test_stretches_lie_inside_and_have_two_speakers_or_more(seed: int, seconds: float) -> None:
    config = replace(CONFIG, seconds=seconds, least_talk_s=0.0)
    stretch = draw_stretch([[annotate(TURNS)]], config, np.random.default_rng(seed)).turns
    assert len(stretch.labels()) >= 2
    assert all(0 <= start < end <= round(seconds, 3) for start, end, _ in turns_of(stretch))


def test_one_speaker_alone_where_asked_for() -> None:
    config = replace(CONFIG, seconds=1.0, single_speaker_probability=1.0)
    stretch = draw_stretch([[annotate(TURNS)]], config, np.random.default_rng(0)).turns
    assert len(stretch.labels()) == 1
    always = annotate([(0.0, 9.0, "anna"), (0.0, 9.0, "ben")])
    with pytest.raises(ArgumentError, match="stretches of 1 s with one speaker, got none"):
        draw_stretch([[always]], config, np.random.default_rng(0))


def test_other_annotations_of_the_same_talk_have_the_same_speakers(sources: Sources) -> None:
    template, loose = annotate(TURNS), annotate([(0.0, 2.1, "a"), (1.4, 8.1, "b"), (3.2, 9.0, "a")])
    template.uri = loose.uri = "meeting"
    other = annotate([(0.0, 9.0, "nobody")])
    other.uri = "other"
    whole = replace(CLEAN, seconds=9.0, least_talk_s=3.0)  # carl is left out
    both = Sources(sources.voices, [[template]], references={"loose": [other, loose]})
    made = simulate(both, whole, seed=0, number=0)
    assert_same(made, simulate(Sources(sources.voices, [[template]]), whole, seed=0, number=0))
    anna, ben = (speaker for *_, speaker in turns_of(made.reference)[:2])
    found = sorted(turns_of(made.further["loose"]))
    assert found == sorted([(0.0, 2.1, anna), (1.4, 8.1, ben), (3.2, 9.0, anna)])
    without = Sources(sources.voices, [[template]], references={"loose": [other]})
    with pytest.raises(ArgumentError, match="got loose without meeting"):
        simulate(without, whole, seed=0, number=0)


def test_too_few_voices(sources: Sources) -> None:
    one = Sources({"voice-0": sources.voices["voice-0"]}, sources.templates)
    with pytest.raises(ArgumentError, match=r"`voices` must have [23] speakers or more.*got 1"):
        simulate(one, CLEAN, seed=0, number=0)


def test_a_telephone_line_passes_its_band_and_the_parts_still_make_the_mixture(
    sources: Sources,
) -> None:
    here = simulate(sources, CONFIG, seed=4, number=0)
    there = simulate(sources, replace(CONFIG, telephone_probability=1.0), seed=4, number=0)
    assert turns_of(there.reference) == turns_of(here.reference)
    assert np.allclose(sum(there.wet.values()), there.speech, atol=1e-5)

    def level(samples: np.ndarray, low: float, high: float) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        band = slice(*(round(edge * len(samples) / RATE) for edge in (low, high)))
        return float(10 * np.log10(power[band].mean()))

    for high, least in ((7900, 30), (80, 15)):
        outside = level(there.mixture, high - 80, high) - level(here.mixture, high - 80, high)
        inside = level(there.mixture, 500, 2500) - level(here.mixture, 500, 2500)
        assert inside - outside > least
    again = simulate(sources, replace(CONFIG, telephone_probability=1.0), seed=4, number=0)
    assert np.array_equal(again.mixture, there.mixture)


def test_noise_is_missed(sources: Sources) -> None:
    silent = Sources(sources.voices, sources.templates)
    with pytest.raises(ArgumentError, match="`noise` must be given"):
        simulate(silent, CONFIG, seed=0, number=0)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"seconds": 0.0}, "`seconds` must be positive"),
        ({"most_speakers": 1}, "`most_speakers` must be 2 or more"),
        ({"room_probability": 1.5}, r"`room_probability` must be in \[0, 1\], got 1.5"),
        ({"noise_ratio_db": (20.0, 10.0)}, "`noise_ratio_db` must be low, high"),
        ({"peak_db": (-3.0, 1.0)}, "`peak_db` must end at 0 or below"),
    ],
)
def test_settings_out_of_range(change: dict[str, float], fault: str) -> None:
    with pytest.raises(ArgumentError, match=fault):
        replace(CONFIG, **change)


def test_each_speaker_has_a_place_in_the_room(sources: Sources) -> None:
    pytest.importorskip("pyroomacoustics", reason="pyroomacoustics is not installed")
    from eval.simulate.rooms import simulate_room

    room = simulate_room(np.random.default_rng(0), sources=3)
    assert room.shape == (3, 8000)
    assert np.abs(room).argmax(1).tolist() == [40, 40, 40]
    np.testing.assert_allclose((room**2).sum(1), 1.0, rtol=1e-5)
    assert not np.allclose(room[0], room[1])

    wet = simulate(sources, replace(CLEAN, room_probability=1.0), seed=0, number=0)
    first = round(min(start for start, *_ in turns_of(wet.reference)) * RATE)
    assert np.abs(wet.speech[:first]).max(initial=0.0) < 1e-4
    assert not np.allclose(wet.speech, np.sum(list(wet.dry.values()), axis=0), atol=1e-3)
    assert_same(wet, simulate(sources, replace(CLEAN, room_probability=1.0), seed=0, number=0))


def test_statistics_by_hand() -> None:
    scored = Timeline([Segment(0, 10)])
    meeting = annotate([(0.0, 4.0, "anna"), (3.0, 6.0, "ben"), (9.0, 12.0, "anna")])
    found = describe(
        [
            Conversation("a.flac", meeting, scored),
            Conversation("b.flac", annotate([(0.0, 5.0, "carl")]), scored),
        ]
    )
    assert found.speakers == (2, 1) and sorted(found.turns) == [1, 3, 4, 5]
    assert (found.seconds, found.speech, found.overlap) == (20, 12, 1)
    cells = ["set", "2", "0", "1.50", "1: 1, 2: 1", "60.0", "8.3", "12.0", "3.50"]
    assert found.row("set") == cells
