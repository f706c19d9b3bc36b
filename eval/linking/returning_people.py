"""Simulated recordings in which people come back, each time with other utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pyannote.core import Annotation

from diarspk.audio import SAMPLE_RATE
from eval.simulate.conversation import Sources, simulate
from eval.simulate.noise import read_noise
from eval.simulate.settings import SimulationConfig
from eval.simulate.templates import read_templates
from eval.simulate.voices import Samples, read_voices

__all__ = ["Gathering", "read_gathering_sources", "simulate_gatherings", "split_people"]

TEMPLATES = ("ami-dev", "voxconverse-dev")
MAX_PEOPLE = 4
"""People of a recording; whoever is left over when so many are not is in none."""


@dataclass(frozen=True, eq=False)
class Gathering:
    """A recording: name, samples ``(time,)`` at 16 kHz, and who talks when, by true speaker."""

    name: str
    samples: Samples
    reference: Annotation


def read_gathering_sources(
    data: Path, split: str, seconds: float
) -> tuple[Sources, SimulationConfig]:
    """Read voices, templates of turn-taking and noise for recordings of some length."""
    config = SimulationConfig(seconds=seconds, most_speakers=MAX_PEOPLE)
    templates = read_templates(data / "conversations" / "annotations", TEMPLATES, seconds=seconds)
    voices = read_voices(data / "speech", split, config)
    noise = read_noise(data / "noise" / "noise", shortest_s=config.shortest_noise_s)
    return Sources(voices, templates, noise), config


def split_people(voices: Mapping[str, Sequence[Samples]], *, seed: int) -> list[list[str]]:
    """Split speakers into two halves that never meet: one to choose on, one to measure on."""
    order = np.random.default_rng(seed).permutation(sorted(voices)).tolist()
    return [sorted(order[0::2]), sorted(order[1::2])]


def simulate_gatherings(
    sources: Sources,
    config: SimulationConfig,
    people: Sequence[str],
    *,
    rounds: int,
    seed: int,
    least_s: float = 3.0,
) -> Iterator[Gathering]:
    """Simulate rounds of conversations; in each, a person is in one conversation at most.

    The utterances of a person are dealt out to the rounds, so that two recordings share no speech,
    and every recording has a room, a noise and levels of its own.

    Parameters
    ----------
    people
        Of the voices.
    rounds
        How often each comes back at most.
    least_s
        Seconds of speech that a person must have for a round.
    """
    number = 0
    for turn in range(rounds):
        dealt = {name: list(sources.voices[name][turn::rounds]) for name in people}
        left = {
            name: own for name, own in dealt.items() if sum(map(len, own)) >= least_s * SAMPLE_RATE
        }
        while len(left) >= MAX_PEOPLE:
            made = simulate(replace(sources, voices=left), config, seed=seed, number=number)
            yield Gathering(f"{turn}-{number:03d}", made.mixture, made.reference)
            left = {name: own for name, own in left.items() if name not in made.reference.labels()}
            number += 1
