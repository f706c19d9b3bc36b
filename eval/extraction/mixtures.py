"""Seeded mixtures of speakers with enrolments, the same for every extractor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from eval.embeddings.speech import Utterance
from eval.simulate.telephone import draw_line
from tse.mixing import Mixture, MixtureConfig, mix

__all__ = ["CONDITIONS", "Condition", "Trial", "draw_trials"]

Samples = NDArray[np.float32]

TELEPHONES = 1
"""Stream of random numbers of telephone lines, apart from that of the mixtures."""


@dataclass(frozen=True)
class Condition:
    """Settings of the mixtures of a condition.

    Attributes
    ----------
    speakers : int
        Who talk, the target included unless it is ``absent``.
    noisy : bool
        With noise 0 to 15 dB below the target.
    absent : bool
        The enrolled speaker is none of them.
    telephone : {"none", "both", "mixture"}
        What passes a telephone line: nothing, mixture and enrolment (the same line), or the mixture
        alone.
    """

    speakers: int = 2
    noisy: bool = False
    absent: bool = False
    telephone: Literal["none", "both", "mixture"] = "none"

    def config(self, seconds: float) -> MixtureConfig:
        """Mixtures in which all talk throughout, within 5 dB of each other."""
        return MixtureConfig(seconds=seconds, overlap=(1.0, 1.0), noise_ratio_db=(0.0, 15.0))


CONDITIONS = {
    "clean-1": Condition(1),
    "clean-2": Condition(),
    "noisy-2": Condition(noisy=True),
    "clean-3": Condition(3),
    "noisy-3": Condition(3, noisy=True),
    "absent-1": Condition(1, absent=True),
    "absent-2": Condition(2, absent=True),
    "phone-1": Condition(1, telephone="both"),
    "phone-2": Condition(2, telephone="both"),
    "to-phone-2": Condition(2, telephone="mixture"),
    "phone-absent-1": Condition(1, absent=True, telephone="both"),
    "phone-absent-2": Condition(2, absent=True, telephone="both"),
    "to-phone-absent-2": Condition(2, absent=True, telephone="mixture"),
}


@dataclass(frozen=True, eq=False)
class Trial:
    """A mixture, an enrolment of its target, and one of a speaker in it who is not meant.

    Where nobody else is in the mixture, the last is of somebody who is not in it either.
    """

    made: Mixture
    speaker: str
    enrolment: Samples
    wrong_enrolment: Samples


def draw_trials(
    utterances: Sequence[Utterance],
    condition: Condition,
    *,
    count: int,
    seed: int,
    seconds: float = 4.0,
    enrolment_s: float = 5.0,
    noise: Sequence[Samples] = (),
) -> Iterator[Trial]:
    """Draw mixtures of different speakers; trial ``i`` depends on the seed and ``i`` alone.

    A target has two utterances at least: one is in the mixture, the others are the enrolment, cut
    to ``enrolment_s``. So a change of ``enrolment_s`` leaves the mixtures as they are.

    Raises
    ------
    ArgumentError
        If there are too few speakers, or no noise for a noisy condition.
    """
    voices: dict[str, list[Samples]] = defaultdict(list)
    for utterance in utterances:
        voices[utterance.speaker].append(utterance.waveform)
    names = sorted(name for name, own in voices.items() if len(own) >= 2)
    if len(names) <= condition.speakers:
        raise ArgumentError(
            f"`utterances` must have over {condition.speakers} speakers with two utterances each, "
            f"got {len(names)}"
        )
    if condition.noisy and not noise:
        raise ArgumentError("`noise` must be given for a noisy condition, got none")
    for number in range(count):
        generator = np.random.default_rng([seed, number])
        drawn = generator.choice(len(names), condition.speakers + 1, replace=False)
        target, *others = [names[index] for index in drawn]
        wrong = others[0]
        others = others if condition.absent else others[:-1]
        order = {
            name: generator.permutation(len(voices[name]))
            for name in dict.fromkeys((target, *others, wrong))
        }
        spoken = {name: voices[name][order[name][0]] for name in (target, *others)}
        background = noise[int(generator.integers(len(noise)))] if condition.noisy else None
        made = mix(
            None if condition.absent else spoken[target],
            [spoken[name] for name in others],
            background,
            condition.config(seconds),
            generator,
        )
        longest = round(enrolment_s * SAMPLE_RATE)
        enrolments = [
            np.concatenate([voices[name][i] for i in order[name][1:]])[:longest]
            for name in (target, wrong)
        ]
        trial = Trial(made, target, *enrolments)
        lines = np.random.default_rng([seed, number, TELEPHONES])
        yield trial if condition.telephone == "none" else _call(trial, condition, lines)


def _call(trial: Trial, condition: Condition, generator: np.random.Generator) -> Trial:
    """Pass a trial through a telephone line; parts of the mixture get its colour alone."""
    line, made = draw_line(generator), trial.made
    over_line = replace(
        made,
        mixture=line.transmit(made.mixture, generator),
        target=line.colour(made.target),
        interferers=tuple(map(line.colour, made.interferers)),
        noise=line.colour(made.noise),
    )
    if condition.telephone == "mixture":
        return replace(trial, made=over_line)
    return Trial(
        over_line,
        trial.speaker,
        line.transmit(trial.enrolment, generator),
        line.transmit(trial.wrong_enrolment, generator),
    )
