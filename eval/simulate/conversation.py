"""One simulated conversation: turn-taking, voices, levels, a room, noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation
from scipy.signal import oaconvolve

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from eval.simulate.rooms import simulate_room
from eval.simulate.settings import SimulationConfig
from eval.simulate.telephone import draw_line
from eval.simulate.templates import Stretch, draw_stretch, match_stretch
from eval.simulate.voices import Samples, Voice, fade

__all__ = ["Simulated", "Sources", "draw_noise", "noise_gain", "simulate"]

LOOP_SAMPLES = SAMPLE_RATE // 20


@dataclass(frozen=True, eq=False)
class Sources:
    """Templates, voices and noise that conversations are made of.

    Attributes
    ----------
    voices : mapping of str to sequence of ndarray ``(time,)``
        Dense speech of each speaker, by utterance.
    templates : sequence of sequence of pyannote.core.Annotation
        Sets of annotations; each is drawn from as often.
    noise : sequence of ndarray ``(time,)``
    references : mapping of str to sequence of pyannote.core.Annotation
        Further annotations of the recordings of the templates, by the name of their set.
    """

    voices: Mapping[str, Sequence[Samples]]
    templates: Sequence[Sequence[Annotation]]
    noise: Sequence[Samples] = ()
    references: Mapping[str, Sequence[Annotation]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Simulated:
    """A conversation and what it was made of, all at the level of the mixture.

    Attributes
    ----------
    reference : pyannote.core.Annotation
        Exactly what was laid, in whole milliseconds; labels are the speakers of the voices.
    dry : dict of str to ndarray ``(time,)``
        Each speaker before the room: zeros wherever the reference has no turn of theirs.
    wet : dict of str to ndarray ``(time,)``
        Each speaker at the microphone, reverberation included.
    speech : ndarray, ``(time,)``
        All of them together.
    noise : ndarray, ``(time,)``
        All that is not speech: of a telephone line that of the line and of its codec, too.
    further : dict of str to pyannote.core.Annotation
        What other annotations make of the same talk, by the name of their set.
    """

    reference: Annotation
    dry: dict[str, Samples]
    wet: dict[str, Samples]
    speech: Samples
    noise: Samples
    further: dict[str, Annotation] = field(default_factory=dict)

    @property
    def mixture(self) -> Samples:
        """Speech and noise together, ``(time,)``."""
        return self.speech + self.noise


def simulate(sources: Sources, config: SimulationConfig, *, seed: int, number: int) -> Simulated:
    """Make conversation ``number``, which depends on the seed and the number alone.

    Raises
    ------
    ArgumentError
        If there are too few voices, no fitting template, or no noise where there must be some.
    """
    generator = np.random.default_rng([seed, number])
    stretch = draw_stretch(sources.templates, config, generator)
    cast = _draw_cast(stretch.turns, sources.voices, generator)
    reference = stretch.turns.rename_labels(cast)
    further = {
        name: match_stretch(_same_recording(found, stretch, name), stretch, config)
        for name, found in sources.references.items()
    }
    dry = _lay(reference, sources.voices, config, generator)
    wet = dict(zip(dry, _in_room(list(dry.values()), config, generator), strict=True))
    speech: Samples = np.stack(list(wet.values())).sum(axis=0)
    noise = draw_noise(sources.noise, len(speech), config, generator)
    noise = noise * noise_gain(speech, _talking(reference, len(speech)), noise, config, generator)
    peak = max(float(np.abs(speech + noise).max()), 1e-9)
    gain = np.float32(10 ** (generator.uniform(*config.peak_db) / 20) / peak)
    made = Simulated(
        reference,
        {name: gain * one for name, one in dry.items()},
        {name: gain * one for name, one in wet.items()},
        gain * speech,
        gain * noise,
        {name: one.rename_labels(cast) for name, one in further.items()},
    )
    # Drawn last, so that conversations without a line are what they were before there were lines.
    return _by_telephone(made, config, generator)


def _same_recording(found: Sequence[Annotation], stretch: Stretch, name: str) -> Annotation:
    for one in found:
        if one.uri == stretch.source.uri:
            return one
    raise ArgumentError(
        f"`references` must have the recordings of the templates, got {name} without "
        f"{stretch.source.uri}"
    )


def _draw_cast(
    stretch: Annotation, voices: Mapping[str, Sequence[Samples]], generator: np.random.Generator
) -> dict[str, str]:
    """Speaker of the voices for each of the template.

    Who has much speech is drawn more often, and talks the more, since what is used up repeats.
    """
    lengths = {name: sum(map(len, voices[name])) for name in sorted(voices)}
    talk = {name: stretch.label_duration(name) for name in stretch.labels()}
    if len(lengths) < len(talk):
        raise ArgumentError(
            f"`voices` must have {len(talk)} speakers or more, as a template has, got "
            f"{len(lengths)}; lower `least_voice_s` or `most_speakers`"
        )
    weights = np.array(list(lengths.values()), float)
    drawn = generator.choice(
        list(lengths), len(talk), replace=False, p=weights / weights.sum()
    ).tolist()
    first = {name: stretch.label_timeline(name).extent().start for name in talk}
    talkers = sorted(talk, key=lambda name: (-talk[name], first[name]))
    return dict(zip(talkers, sorted(drawn, key=lambda name: -lengths[name]), strict=True))


def _lay(
    reference: Annotation,
    voices: Mapping[str, Sequence[Samples]],
    config: SimulationConfig,
    generator: np.random.Generator,
) -> dict[str, Samples]:
    """Each speaker's turns, filled with speech from end to end."""
    total = round(config.seconds * SAMPLE_RATE)
    # By the time of the first turn, so that no name plays a part in what is drawn.
    names = dict.fromkeys(name for _, _, name in _tracks(reference))
    own = {name: Voice(voices[name], generator) for name in names}
    level = {name: generator.normal(0, config.speaker_level_deviation_db) for name in names}
    dry = {name: np.zeros(total, np.float32) for name in names}
    for start, end, name in _tracks(reference):
        gain = level[name] + generator.normal(0, config.turn_level_deviation_db)
        speech = fade(own[name].take(min(end, total) - start))
        dry[name][start:end] = np.float32(10 ** (gain / 20)) * speech
    return dry


def _in_room(
    lanes: list[Samples], config: SimulationConfig, generator: np.random.Generator
) -> list[Samples]:
    """Every speaker at a place of their own in one room, or all as they are."""
    if generator.random() >= config.room_probability:
        return lanes
    room = simulate_room(generator, sources=len(lanes), reverberation_s=config.reverberation_s)
    return [
        oaconvolve(lane, response)[: len(lane)].astype(np.float32)
        for lane, response in zip(lanes, room, strict=True)
    ]


def _by_telephone(
    made: Simulated, config: SimulationConfig, generator: np.random.Generator
) -> Simulated:
    """Pass the recording through a telephone line, or leave it as it is."""
    if generator.random() >= config.telephone_probability:
        return made
    line = draw_line(generator)
    speech = line.colour(made.speech)
    return replace(
        made,
        wet={name: line.colour(one) for name, one in made.wet.items()},
        speech=speech,
        noise=line.transmit(made.mixture, generator) - speech,
    )


def draw_noise(
    noise: Sequence[Samples],
    length: int,
    config: SimulationConfig,
    generator: np.random.Generator,
) -> Samples:
    """Draw noise from a random place on; short noise goes round, its end faded into its start."""
    if generator.random() >= config.noise_probability:
        return np.zeros(length, np.float32)
    if not noise:
        raise ArgumentError("`noise` must be given unless `noise_probability` is 0, got none")
    drawn = noise[int(generator.integers(len(noise)))]
    fading = min(LOOP_SAMPLES, len(drawn) // 2)
    ramp = np.linspace(0, 1, fading, dtype=np.float32)
    loop = drawn[: len(drawn) - fading].copy()
    loop[:fading] = ramp * loop[:fading] + (1 - ramp) * drawn[len(drawn) - fading :]
    return np.resize(np.roll(loop, -int(generator.integers(len(loop)))), length)


def noise_gain(
    speech: Samples,
    talking: NDArray[np.bool_],
    noise: Samples,
    config: SimulationConfig,
    generator: np.random.Generator,
) -> np.float32:
    """Draw the gain that puts noise below speech ``(time,)``, measured where somebody talks."""
    ratio = generator.uniform(*config.noise_ratio_db)
    speech_power = float(np.mean(speech[talking] ** 2))
    noise_power = float(np.mean(noise**2))
    return np.float32(np.sqrt(speech_power / max(noise_power, 1e-12)) * 10 ** (-ratio / 20))


def _talking(reference: Annotation, length: int) -> NDArray[np.bool_]:
    talking = np.zeros(length, np.bool_)
    for start, end, _ in _tracks(reference):
        talking[start:end] = True
    return talking


def _tracks(reference: Annotation) -> list[tuple[int, int, str]]:
    """First sample, last sample and speaker of each turn, by time."""
    return [
        (round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE), str(name))
        for turn, _, name in reference.itertracks(yield_label=True)
    ]
