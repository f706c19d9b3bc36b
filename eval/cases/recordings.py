"""Recordings of the cases, made of speech of the dev speakers, rooms, noise and other sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment
from scipy.signal import oaconvolve

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.errors import ArgumentError
from eval.counting.session import make_session
from eval.counting.session_plan import SessionPlan
from eval.counting.session_set import SessionSource, read_groups, read_sources
from eval.simulate.conversation import Sources, draw_noise
from eval.simulate.rooms import simulate_room
from eval.simulate.settings import SimulationConfig
from eval.simulate.voices import Samples, Voice, fade

__all__ = ["CaseSources", "Recording", "add_sound", "one_sentence", "sound_alone", "talk"]

SETTINGS = SimulationConfig()
PEAK = 0.9


@dataclass(frozen=True, eq=False)
class CaseSources:
    """What cases are made of, read from a data folder when it is first asked for.

    Attributes
    ----------
    source : SessionSource
        Data folder, and the split of the speech.
    """

    source: SessionSource

    @cached_property
    def talk(self) -> Sources:
        """Voices, turn-taking and noise; takes minutes."""
        return read_sources(self.source)

    @cached_property
    def groups(self) -> dict[str, str]:
        """Sex of the voices, f or m, as far as it is told."""
        return read_groups(self.source)

    @cached_property
    def music(self) -> Samples:
        """Real music, ``(time,)``."""
        return load_audio(self.source.data / "noise" / "noise" / "music.opus")

    def of_sex(self, sex: str) -> dict[str, Sequence[Samples]]:
        """Voices of people of one sex."""
        voices = self.talk.voices
        return {name: voices[name] for name in voices if self.groups.get(name) == sex}

    def most_voluble(self, count: int) -> dict[str, Sequence[Samples]]:
        """Voices with the most different speech."""
        voices = self.talk.voices
        names = sorted(voices, key=lambda name: (-sum(map(len, voices[name])), name))
        return {name: voices[name] for name in names[:count]}


@dataclass(frozen=True, eq=False)
class Recording:
    """Samples ``(time,)`` of 16 bits at 16 kHz, and who talks in them."""

    samples: NDArray[np.int16]
    reference: Annotation


def talk(
    sources: CaseSources,
    name: str,
    *,
    people: int,
    minutes: float,
    seed: int,
    voices: Mapping[str, Sequence[Samples]] | None = None,
) -> Recording:
    """Make a conversation in one room, with noise; of given voices, or of any."""
    made = sources.talk if voices is None else replace(sources.talk, voices=voices)
    session = make_session(made, SessionPlan(name, people, minutes, seed=seed))
    return Recording(session.samples, session.reference)


def add_sound(recording: Recording, sound: Samples, below_db: float) -> Recording:
    """Add a sound ``(time,)`` below the level of the speech; a short one goes round.

    Both are measured where there is any.
    """
    speech = recording.samples.astype(np.float32) / 32768
    spoken = np.zeros(len(speech), np.bool_)
    for turn in recording.reference.get_timeline().support():
        spoken[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)] = True
    powers = [float(np.mean(one**2)) for one in (speech[spoken], sound[sound != 0])]
    gain = np.sqrt(powers[0] / powers[1]) * 10 ** (-below_db / 20)
    mixture = speech + np.float32(gain) * np.resize(sound, len(speech))
    return Recording(_as_integers(mixture), recording.reference)


def one_sentence(
    sources: CaseSources, *, seconds: float, total_s: float, generator: np.random.Generator
) -> Recording:
    """Make a long recording of a room with its noise, in which one person says one thing."""
    voices = sources.talk.voices
    name = sorted(voices)[int(generator.integers(len(voices)))]
    speech = fade(Voice(voices[name], generator).take(round(seconds * SAMPLE_RATE)))
    (room,) = simulate_room(generator, sources=1, reverberation_s=SETTINGS.reverberation_s)
    reverberant = oaconvolve(speech, room).astype(np.float32)
    config = replace(SETTINGS, noise_probability=1.0)
    mixture = draw_noise(sources.talk.noise, round(total_s * SAMPLE_RATE), config, generator)
    ratio = generator.uniform(15.0, 25.0)
    power = float(np.mean(speech**2)) / max(float(np.mean(mixture**2)), 1e-12)
    mixture = mixture * np.float32(np.sqrt(power) * 10 ** (-ratio / 20))
    start = round(generator.uniform(0.1, 0.8) * total_s, 3)
    first = round(start * SAMPLE_RATE)
    mixture[first : first + len(reverberant)] += reverberant
    reference = Annotation()
    reference[Segment(start, start + seconds), name] = name
    return Recording(_as_integers(mixture), reference)


def sound_alone(sound: Samples, seconds: float) -> Recording:
    """Make a recording of a sound, in which nobody talks."""
    if not sound.any():
        raise ArgumentError("`sound` must not be silent, got zeros")
    return Recording(_as_integers(np.resize(sound, round(seconds * SAMPLE_RATE))), Annotation())


def _as_integers(waveform: Samples) -> NDArray[np.int16]:
    peak = max(float(np.abs(waveform).max()), 1e-9)
    scaled = waveform * np.float32(32767 * PEAK / peak)
    return np.asarray(scaled.round().astype(np.int16))
