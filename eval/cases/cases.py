"""The cases: what each is, what is expected of it, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eval.cases.expectation import Expectation
from eval.cases.recordings import (
    CaseSources,
    Recording,
    add_sound,
    one_sentence,
    sound_alone,
    talk,
)
from eval.cases.sounds import cry, through_loudspeaker

__all__ = ["CASES", "QUICK", "Case"]

Make = Callable[[CaseSources, int], Recording]

NO_SPEECH = "no speech was found"


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes
    ----------
    name : str
    what : str
        In words.
    expected : Expectation
    make : callable, optional
        Sources, seed -> recording. None for a recording of the data folder, `excerpt`.
    excerpt : str
        Recording below ``conversations/ami`` of the data folder, which is scored against forced
        alignment.
    """

    name: str
    what: str
    expected: Expectation
    make: Make | None = None
    excerpt: str = ""


def _generator(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _one_hour(sources: CaseSources, seed: int) -> Recording:
    voices = sources.most_voluble(1)
    return talk(sources, "one-hour", people=1, minutes=60, seed=seed, voices=voices)


def _of_one_sex(sex: str) -> Make:
    def make(sources: CaseSources, seed: int) -> Recording:
        return talk(
            sources, f"two-{sex}", people=2, minutes=2.5, seed=seed, voices=sources.of_sex(sex)
        )

    return make


def _twenty(sources: CaseSources, seed: int) -> Recording:
    return talk(sources, "twenty", people=20, minutes=15, seed=seed)


def _baby(sources: CaseSources, seed: int) -> Recording:
    made = talk(sources, "baby", people=2, minutes=2.5, seed=seed)
    return add_sound(made, cry(150.0, _generator("baby", seed)), below_db=3.0)


def _baby_alone(_: CaseSources, seed: int) -> Recording:
    return sound_alone(cry(60.0, _generator("baby-alone", seed)), 60.0)


def _music(sources: CaseSources, seed: int) -> Recording:
    made = talk(sources, "music", people=2, minutes=2.5, seed=seed)
    return add_sound(made, sources.music, below_db=10.0)


def _music_alone(sources: CaseSources, _: int) -> Recording:
    return sound_alone(sources.music, 60.0)


def _loudspeaker(sources: CaseSources, seed: int) -> Recording:
    generator = _generator("loudspeaker", seed)
    known = sources.most_voluble(12)
    names = generator.choice(sorted(known), 3, replace=False).tolist()
    voices = {name: known[name] for name in names}
    voices[names[0]] = [through_loudspeaker(one, generator) for one in known[names[0]]]
    return talk(sources, "loudspeaker", people=3, minutes=2.5, seed=seed, voices=voices)


def _sentence(sources: CaseSources, seed: int) -> Recording:
    generator = _generator("sentence", seed)
    return one_sentence(sources, seconds=3.0, total_s=600.0, generator=generator)


CASES = (
    Case(
        "one-hour",
        "one person for an hour; half a minute of different speech comes again and again",
        Expectation((1, 1), max_der=0.05),
        _one_hour,
    ),
    Case("two-women", "two women, 2.5 minutes", Expectation((2, 2), 0.1), _of_one_sex("f")),
    Case("two-men", "two men, 2.5 minutes", Expectation((2, 2), 0.1), _of_one_sex("m")),
    Case("twenty", "twenty people, 15 minutes", Expectation((18, 22), 0.15), _twenty),
    Case(
        "baby",
        "two people while a baby cries (synthetic), 3 dB below them",
        Expectation((2, 2), 0.2),
        _baby,
    ),
    Case(
        "baby-alone",
        "a minute of a baby that cries (synthetic), and nobody talks",
        Expectation((0, 0), max_false_alarm_s=1.0, warning=NO_SPEECH),
        _baby_alone,
    ),
    Case(
        "music", "two people with music 10 dB below them", Expectation((2, 2), max_der=0.15), _music
    ),
    Case(
        "music-alone",
        "a minute of music, and nobody talks",
        Expectation((0, 0), max_false_alarm_s=1.0, warning=NO_SPEECH),
        _music_alone,
    ),
    Case(
        "loudspeaker",
        "two people in a room, and a third by telephone on a loudspeaker",
        Expectation((3, 3), max_der=0.15),
        _loudspeaker,
    ),
    Case(
        "sentence",
        "3 s of speech in 10 minutes of a room with noise",
        Expectation((1, 1), max_der=0.5, max_false_alarm_s=1.0),
        _sentence,
    ),
    Case(
        "trn01",
        "real: a quiet half minute of a meeting, 0.45 s of words, coughs and laughter",
        Expectation((0, 2), max_false_alarm_s=3.0),
        excerpt="trn01",
    ),
)

QUICK = ("baby-alone", "music-alone", "trn01")
"""Cases of a minute or less, which need no voices."""
