"""Sound of a session: voices laid on its turns, in its rooms, with noise and levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment
from scipy.signal import oaconvolve

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from eval.counting.session_plan import SessionPlan
from eval.counting.turn_taking import draw_parts
from eval.counting.turns import Part
from eval.simulate.conversation import Sources, draw_noise, noise_gain
from eval.simulate.rooms import simulate_room
from eval.simulate.settings import SimulationConfig
from eval.simulate.voices import Samples, Voice, fade

__all__ = ["Session", "make_session"]

SETTINGS = SimulationConfig()


@dataclass(frozen=True, eq=False)
class Session:
    """A recording and who talks in it.

    Attributes
    ----------
    plan : SessionPlan
    samples : ndarray of int16, ``(time,)``
    reference : pyannote.core.Annotation
        What was laid, in whole milliseconds.
    unique_s : float
        Seconds of different speech; what is used up is repeated.
    """

    plan: SessionPlan
    samples: NDArray[np.int16]
    reference: Annotation
    unique_s: float


def make_session(
    sources: Sources, plan: SessionPlan, *, groups: Mapping[str, str] | None = None
) -> Session:
    """Make a session; it depends on the sources and the plan alone.

    Parameters
    ----------
    sources
        Templates, voices and noise.
    plan
        What it is to be.
    groups
        Sex of speakers, for a plan whose people have the same.

    Raises
    ------
    ArgumentError
        If there are too few voices, or no fitting template.
    """
    generator = np.random.default_rng([plan.seed, *plan.name.encode()])
    parts = draw_parts(sources.templates, plan, generator)
    talk = np.zeros(plan.people)
    for part in parts:
        for turn in part.turns:
            talk[turn.person] += turn.seconds
    cast = _draw_cast(plan, sources.voices, groups or {}, talk, generator)
    voices = [Voice(sources.voices[name], generator) for name in cast]
    levels = generator.normal(0, SETTINGS.speaker_level_deviation_db, plan.people)
    sound = [_render(part, voices, levels, sources.noise, generator) for part in parts]
    samples = np.concatenate(sound)
    reference = _annotate(plan, parts, cast)
    lengths = [sum(map(len, sources.voices[name])) / SAMPLE_RATE for name in cast]
    unique_s = float(np.minimum(talk, lengths).sum())
    return Session(plan, np.tile(samples, plan.repeats), reference, unique_s)


def _draw_cast(
    plan: SessionPlan,
    voices: Mapping[str, Sequence[Samples]],
    groups: Mapping[str, str],
    talk: NDArray[np.float64],
    generator: np.random.Generator,
) -> list[str]:
    """Speakers of the voices; who has much speech is drawn more often, and talks the more."""
    lengths = {name: sum(map(len, voices[name])) for name in sorted(voices)}
    if plan.voices == "same sex":
        sexes = sorted({groups[name] for name in lengths if groups.get(name)})
        sizes = {sex: sum(groups.get(name) == sex for name in lengths) for sex in sexes}
        fitting = [sex for sex in sexes if sizes[sex] >= plan.people]
        if not fitting:
            raise ArgumentError(
                f"`voices` must have {plan.people} people of one sex for {plan.name}, got "
                f"{max(sizes.values(), default=0)}"
            )
        chosen = fitting[int(generator.integers(len(fitting)))]
        lengths = {name: length for name, length in lengths.items() if groups.get(name) == chosen}
    if len(lengths) < plan.people:
        raise ArgumentError(
            f"`voices` must have {plan.people} people for {plan.name}, got {len(lengths)}"
        )
    weights = np.array(list(lengths.values()), float)
    drawn = generator.choice(
        list(lengths), plan.people, replace=False, p=weights / weights.sum()
    ).tolist()
    cast = [""] * plan.people
    by_length = sorted(drawn, key=lambda name: -lengths[name])
    for person, name in zip(np.argsort(-talk, kind="stable").tolist(), by_length, strict=True):
        cast[person] = name
    return cast


def _render(
    part: Part,
    voices: Sequence[Voice],
    levels: NDArray[np.float64],
    noise: Sequence[Samples],
    generator: np.random.Generator,
) -> NDArray[np.int16]:
    """One room with its noise, at a level of its own."""
    first, last = round(part.start * SAMPLE_RATE), round(part.end * SAMPLE_RATE)
    speech, talking = np.zeros(last - first, np.float32), np.zeros(last - first, np.bool_)
    people = sorted({turn.person for turn in part.turns})
    room = simulate_room(generator, sources=len(people), reverberation_s=SETTINGS.reverberation_s)
    for turn in part.turns:
        start = round(turn.start * SAMPLE_RATE) - first
        end = min(round(turn.end * SAMPLE_RATE) - first, len(speech))
        gain = levels[turn.person] + generator.normal(0, SETTINGS.turn_level_deviation_db)
        dry = np.float32(10 ** (gain / 20)) * fade(voices[turn.person].take(end - start))
        wet = oaconvolve(dry, room[people.index(turn.person)]).astype(np.float32)
        stop = min(start + len(wet), len(speech))
        speech[start:stop] += wet[: stop - start]
        talking[start:end] = True
    background = draw_noise(noise, len(speech), SETTINGS, generator)
    background *= noise_gain(speech, talking, background, SETTINGS, generator)
    mixture = speech + background
    peak = max(float(np.abs(mixture).max()), 1e-9)
    gain = 10 ** (generator.uniform(*SETTINGS.peak_db) / 20) / peak
    return np.asarray((mixture * np.float32(32767 * gain)).round().astype(np.int16))


def _annotate(plan: SessionPlan, parts: Sequence[Part], cast: Sequence[str]) -> Annotation:
    reference = Annotation(uri=plan.name)
    for repeat in range(plan.repeats):
        for part in parts:
            for turn in part.turns:
                shift = repeat * plan.seconds
                segment = Segment(round(turn.start + shift, 3), round(turn.end + shift, 3))
                reference[segment, cast[turn.person]] = cast[turn.person]
    return reference.support()
