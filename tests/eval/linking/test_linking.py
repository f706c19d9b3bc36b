"""Rates of linking across recordings, and the recordings that they are measured on."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from pyannote.core import Annotation, Segment

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.linking_criterion import LinkingCriterion
from diarspk.diarization.recorded_speakers import RecordedSpeaker
from eval.simulate.conversation import Sources
from eval.simulate.settings import SimulationConfig

pytest.importorskip("tyro")

from eval.linking.linking_rates import LinkingRates, choose, fit, measure
from eval.linking.recorded_set import RecordedSet
from eval.linking.returning_people import simulate_gatherings, split_people


def speaker(recording: str, label: str, *vector: float) -> RecordedSpeaker:
    row = np.array([vector], np.float32)
    return RecordedSpeaker(recording, label, row / np.linalg.norm(row), 5.0)


def test_rates_of_a_hand_worked_case() -> None:
    recorded = RecordedSet(
        [
            speaker("r0", "a", 1, 0, 0),
            speaker("r0", "b", 0, 1, 0),
            speaker("r1", "a", 1, 0.1, 0),
            speaker("r1", "c", 0, 1, 0.1),
            speaker("r2", "b", 0, 0, 1),
        ],
        ["ann", "ben", "ann", "eve", "ben"],
    )
    rates = measure(recorded, LinkingCriterion(0.9, 0.0))
    # Of one person: ann (joined) and ben (missed). Of two: six pairs, ben and eve joined.
    assert rates == LinkingRates(2, 1, 6, 1, people=3, found=3)
    assert (rates.false_non_match, rates.false_match) == (0.5, 1 / 6)
    assert rates.cost == pytest.approx(0.05 * 0.5 + 0.95 / 6)
    assert (rates + rates).false_match == 1 / 6
    assert LinkingRates().cost == 0.0


def test_threshold_and_margin_are_chosen_by_the_cost() -> None:
    generator = np.random.default_rng(0)
    speakers, truth = [], []
    people = generator.normal(size=(8, 16))
    for recording in range(4):
        for number, person in enumerate(people):
            vector = person + 0.4 * generator.normal(size=16)
            speakers.append(speaker(f"r{recording}", f"S{number}", *vector))
            truth.append(f"p{number}")
    recorded = RecordedSet(speakers, truth)
    criterion = fit([recorded], "abc")
    assert criterion.calibration is not None and criterion.calibration.fingerprint == "abc"
    best = measure(recorded, criterion)
    assert best.cost == 0.0, "these voices are far apart"
    for threshold, margin in ((-2.0, 0.5), (8.0, 4.0)):
        other = LinkingCriterion(threshold, margin, criterion.calibration)
        assert measure(recorded, other).cost >= best.cost
    assert choose([recorded], criterion) == criterion


def test_people_come_back_with_other_utterances() -> None:
    # Each utterance is a tone of its own.
    time = np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE
    tones = {
        (person, take): 200 + 50 * (4 * person + take) for person in range(6) for take in range(4)
    }
    voices = {
        f"s{person}": [
            np.sin(2 * np.pi * tones[person, take] * time).astype(np.float32) for take in range(4)
        ]
        for person in range(6)
    }
    template = Annotation()
    for number, name in enumerate("abab"):
        template[Segment(5 * number, 5 * number + 5), number] = name
    config = SimulationConfig(
        seconds=20.0,
        single_speaker_probability=0.0,
        most_speakers=2,
        room_probability=0.0,
        noise_probability=0.0,
    )
    sources = Sources(voices, [[template]])
    found = list(simulate_gatherings(sources, config, sorted(voices), rounds=2, seed=1))
    assert [one.name[0] for one in found] == ["0", "0", "1", "1"]
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for one in found:
        for name in one.reference.labels():
            seen[one.name[0], name] += 1
    assert max(seen.values()) == 1, "in one recording of a round at most"
    sounding: dict[str, set[int]] = {"0": set(), "1": set()}
    for one in found:
        spectrum = np.abs(np.fft.rfft(one.samples))
        seconds = len(one.samples) / SAMPLE_RATE
        loud = {tone for tone in tones.values() if spectrum[round(tone * seconds)] > 100}
        assert len(loud) == 4, "two people, two utterances each"
        assert not loud & sounding["1" if one.name[0] == "0" else "0"]
        sounding[one.name[0]] |= loud
    again = list(simulate_gatherings(sources, config, sorted(voices), rounds=2, seed=1))
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(found, again, strict=True))
    halves = split_people(voices, seed=0)
    assert sorted(halves[0] + halves[1]) == sorted(voices) and len(halves[0]) == 3
