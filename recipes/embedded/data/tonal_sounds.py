"""Sounds that have a pitch and yet are no speech: cries, sirens, whistles, tunes, tones of a line.

Recordings of them are rare in collections of noise, and what has harmonics and starts and stops
is what a segmentation takes for somebody who talks. They are made here, one source at a time: notes
of a pitch, a glide and a colour that stay alike from one note to the next; or tones that stay as
they are, one or two at a time, throughout or in a cadence, as telephones and machines give them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import iirpeak, lfilter

from diarspk.audio import SAMPLE_RATE
from eval.simulate.voices import fade
from recipes.embedded.data.shards import Waveform
from recipes.embedded.data.waveforms import at_power_one

__all__ = ["TonalSource", "draw_steady_tone", "draw_tonal_sound"]

PITCH_HZ = (350.0, 1500.0)
"""Log-uniform. Above voices: a long vowel of somebody who talks must not be among these sounds."""

NOTE_S = (0.12, 2.0)
PAUSE_S = (0.03, 0.8)
GLIDE_SEMITONES = 5.0
SPREAD_SEMITONES = (0.2, 4.0)
VIBRATO_HZ = (4.0, 9.0)
VIBRATO_SHARE = (0.0, 0.02)
ROLL_OFF = (0.5, 2.0)
BREATH = (0.0, 0.2)
RESONANCES_HZ = (500.0, 6000.0)
QUALITY = (1.5, 8.0)
MAX_RESONANCES = 3

STEADY_PROBABILITY = 0.5
"""Share of sounds that are tones."""

TONE_HZ = (100.0, 3500.0)
THROUGHOUT_PROBABILITY = 0.5
CADENCE_S = (0.1, 2.0)


@dataclass(frozen=True)
class TonalSource:
    """What makes a series of notes.

    Attributes
    ----------
    pitch_hz : float
        Middle of the pitches of the notes.
    note_s, pause_s : float
        Middle of the lengths of notes, and of the pauses between two.
    spread_semitones : float
        Standard deviation of the pitch from one note to the next.
    glide_semitones : float
        How far the pitch rises (or falls, if negative) to the middle of a note, and back.
    vibrato_hz, vibrato_share : float
        Rate and depth of a tremble of the pitch.
    roll_off : float
        Harmonic ``n`` has an amplitude of ``n ** -roll_off``.
    breath : float
        Amplitude of noise beside the first harmonic.
    resonances : tuple of (float, float)
        Frequency in hertz and quality of each.
    """

    pitch_hz: float
    note_s: float
    pause_s: float
    spread_semitones: float
    glide_semitones: float
    vibrato_hz: float
    vibrato_share: float
    roll_off: float
    breath: float
    resonances: tuple[tuple[float, float], ...]

    @classmethod
    def draw(cls, generator: np.random.Generator) -> TonalSource:
        """Draw a source."""
        resonances = generator.integers(MAX_RESONANCES + 1)
        return cls(
            pitch_hz=_log_uniform(PITCH_HZ, generator),
            note_s=_log_uniform(NOTE_S, generator),
            pause_s=_log_uniform(PAUSE_S, generator),
            spread_semitones=generator.uniform(*SPREAD_SEMITONES),
            glide_semitones=generator.normal(0, GLIDE_SEMITONES),
            vibrato_hz=generator.uniform(*VIBRATO_HZ),
            vibrato_share=generator.uniform(*VIBRATO_SHARE),
            roll_off=generator.uniform(*ROLL_OFF),
            breath=generator.uniform(*BREATH),
            resonances=tuple(
                (_log_uniform(RESONANCES_HZ, generator), generator.uniform(*QUALITY))
                for _ in range(resonances)
            ),
        )

    def play(self, samples: int, generator: np.random.Generator) -> Waveform:
        """Play notes with pauses between them, ``(samples,)`` at a power of one."""
        track, place = np.zeros(samples, np.float32), 0
        while place < samples:
            note = self.play_note(generator)[: samples - place]
            track[place : place + len(note)] = note
            pause = self.pause_s * generator.lognormal(0, 0.3)
            place += len(note) + round(pause * SAMPLE_RATE)
        return at_power_one(track)

    def play_note(self, generator: np.random.Generator) -> Waveform:
        """Play one note, ``(time,)``; louder in its middle than at its ends."""
        seconds = max(self.note_s * generator.lognormal(0, 0.3), 0.05)
        time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        arch = np.sin(np.pi * time / seconds)
        semitones = generator.normal(0, self.spread_semitones) + self.glide_semitones * arch
        tremble = 1 + self.vibrato_share * np.sin(2 * np.pi * self.vibrato_hz * time)
        pitch = np.clip(self.pitch_hz * 2 ** (semitones / 12) * tremble, *PITCH_HZ)
        phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
        harmonics = np.arange(1, int(0.95 * SAMPLE_RATE / 2 / pitch.max()) + 1)
        sound = sum(number**-self.roll_off * np.sin(number * phase) for number in harmonics)
        sound = sound + self.breath * generator.normal(size=len(time))
        for frequency, quality in self.resonances:
            sound = sound + 2 * lfilter(*iirpeak(frequency, quality, SAMPLE_RATE), sound)
        return fade((np.sqrt(arch) * sound).astype(np.float32))


def draw_tonal_sound(samples: int, generator: np.random.Generator) -> Waveform:
    """Draw a source and notes that it plays, or a tone, ``(samples,)`` at a power of one."""
    if generator.random() < STEADY_PROBABILITY:
        return draw_steady_tone(samples, generator)
    return TonalSource.draw(generator).play(samples, generator)


def draw_steady_tone(samples: int, generator: np.random.Generator) -> Waveform:
    """Draw a tone or two at once, throughout or in a cadence: ``(samples,)`` at a power of one."""
    time = np.arange(samples) / SAMPLE_RATE
    sound = np.zeros(samples)
    for _ in range(generator.integers(1, 3)):
        phase = generator.uniform(0, 2 * np.pi)
        sound += np.sin(2 * np.pi * _log_uniform(TONE_HZ, generator) * time + phase)
    if generator.random() >= THROUGHOUT_PROBABILITY:
        on, off = (_log_uniform(CADENCE_S, generator) for _ in range(2))
        sound[time % (on + off) >= on] = 0
    return at_power_one(sound.astype(np.float32))


def _log_uniform(limits: tuple[float, float], generator: np.random.Generator) -> float:
    return float(np.exp(generator.uniform(*np.log(limits))))
