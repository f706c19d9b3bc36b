"""Waveforms that conversations are mixed from: training speech, noise, and simulated rooms.

    python -m recipes.embedded.data.waveforms --data ../shared --output PACKED

Writes ``train/waveforms.npy``, ``noise/waveforms.npy`` and ``rooms.npy``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.command_line import command
from eval.report.progress import follow
from eval.simulate.rooms import TAPS, simulate_room
from eval.simulate.voices import dense_speech, fade
from recipes.embedded.data.rooms_and_noise import gather_noises, read_impulse_responses
from recipes.embedded.data.shards import Waveform, read_training, training_shards
from recipes.training.speed import change_speed

__all__ = ["DenseSpeech", "Sources", "Waveforms", "at_power_one", "pack_waveforms", "read_sources"]

ROOMS = 600
PLACES = 5
"""Of a room: three or four speakers, and a voice in the background."""

SCALE = 32767.0


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Recordings in one array of 16-bit samples.

    Attributes
    ----------
    samples : array of int16, ``(time,)``
    place : dict of str to slice
        Where each recording lies.
    """

    samples: NDArray[np.int16]
    place: dict[str, slice]

    @cached_property
    def names(self) -> list[str]:
        return list(self.place)

    def length(self, name: str) -> int:
        """Count the samples of one recording."""
        return self.place[name].stop - self.place[name].start

    def read(self, name: str) -> Waveform:
        """One recording in [-1, 1], ``(time,)``."""
        return self.samples[self.place[name]].astype(np.float32) / np.float32(SCALE)


@dataclass(frozen=True, eq=False)
class Sources:
    """Voices, noises, and responses of rooms ``(rooms, places, taps)``, each of energy one."""

    voices: Waveforms
    noises: Waveforms
    rooms: NDArray[np.float16]


class DenseSpeech:
    """Speech of the training speakers without long pauses, at a power of one.

    Parameters
    ----------
    voices
        Waveforms of the utterances.
    probability
        Of speech in every 32 ms of each utterance.
    """

    def __init__(self, voices: Waveforms, probability: Mapping[str, Waveform]) -> None:
        self.voices, self.probability = voices, probability

    def dense(self, utterance: str, longest_pause_s: float) -> Waveform:
        """Read an utterance without its longer pauses; all of it where nothing is speech."""
        audio = self.voices.read(utterance)
        dense = dense_speech(
            audio,
            self.probability[utterance],
            threshold=0.35,
            longest_pause_s=longest_pause_s,
        )
        return at_power_one(dense if len(dense) else audio)

    def take(
        self,
        utterances: list[str],
        samples: int,
        generator: np.random.Generator,
        *,
        speed: float = 1.0,
        longest_pause_s: float = 0.3,
    ) -> Waveform:
        """Take ``samples`` of one speaker's speech from random places on; joins are faded."""
        pieces: list[Waveform] = []
        missing = samples
        while missing > 0:
            dense = self.dense(utterances[generator.integers(len(utterances))], longest_pause_s)
            length = int(np.ceil(missing * speed)) + 1
            first = int(generator.integers(max(len(dense) - length, 0) + 1))
            piece = dense[first : first + length]
            played = (piece if speed == 1.0 else change_speed(piece, speed))[:missing]
            pieces.append(fade(played))
            missing -= len(played)
        return np.concatenate([np.zeros(0, np.float32), *pieces])


def at_power_one(audio: Waveform) -> Waveform:
    """Scale to a mean square of one; silence stays silent."""
    return audio / np.float32(max(float(np.sqrt(np.mean(audio**2))), 1e-6))


def pack_waveforms(recordings: Iterable[tuple[str, Waveform]]) -> Waveforms:
    """Lay recordings one behind the other."""
    parts, place, start = [], {}, 0
    for name, audio in recordings:
        parts.append(np.round(np.clip(audio, -1, 1) * SCALE).astype(np.int16))
        place[name] = slice(start, start + len(audio))
        start += len(audio)
    return Waveforms(np.concatenate(parts), place)


def write_waveforms(packed: Waveforms, folder: Path) -> None:
    """``waveforms.npy`` (memory-mappable) and ``waveforms.npz`` with the name of each."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "waveforms.npy", packed.samples)
    lengths = [where.stop - where.start for where in packed.place.values()]
    np.savez(folder / "waveforms.npz", name=packed.names, length=lengths)


def read_waveforms(folder: Path) -> Waveforms:
    """Read what :func:`write_waveforms` wrote; samples are read when they are asked for."""
    stored = np.load(folder / "waveforms.npz")
    ends = np.cumsum(stored["length"]).tolist()
    place = map(slice, [0, *ends[:-1]], ends)
    samples = np.load(folder / "waveforms.npy", mmap_mode="r")
    return Waveforms(samples, dict(zip(stored["name"].tolist(), place, strict=True)))


def read_sources(packed: Path) -> Sources:
    """Read what the command of this module wrote."""
    return Sources(
        read_waveforms(packed / "train"),
        read_waveforms(packed / "noise"),
        np.load(packed / "rooms.npy", mmap_mode="r"),
    )


def make_rooms(measured: Sequence[Waveform], generator: np.random.Generator) -> NDArray[np.float16]:
    """Responses of simulated rooms, and as many groups of measured ones as there are of those."""
    simulated = [
        simulate_room(generator, sources=PLACES, reverberation_s=(0.12, 0.8))
        for _ in follow(range(ROOMS), "rooms", ROOMS)
    ]
    groups = []
    for _ in measured:
        chosen = generator.choice(len(measured), PLACES, replace=len(measured) < PLACES)
        groups.append(np.stack([_one_energy(measured[number]) for number in chosen]))
    return np.stack(simulated + groups).astype(np.float16)


def _one_energy(response: Waveform) -> Waveform:
    cut = np.zeros(TAPS, np.float32)
    part = response[:TAPS]
    cut[: len(part)] = part / max(float(np.sqrt(np.sum(part**2))), 1e-9)
    return cut


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder with speech/ and noise/."""
    output: Path
    """Folder to pack into."""
    seed: int = 0
    """Seed of rooms and noise."""


@command
def main(settings: Settings) -> None:
    generator = np.random.default_rng(settings.seed)
    shards = training_shards(settings.data / "speech")
    voices = pack_waveforms(chain.from_iterable(map(read_training, shards)))
    write_waveforms(voices, settings.output / "train")
    noises = gather_noises(settings.data / "noise" / "noise", generator)
    write_waveforms(pack_waveforms(noises.items()), settings.output / "noise")
    measured = read_impulse_responses(settings.data / "noise" / "rir")
    np.save(settings.output / "rooms.npy", make_rooms(measured, generator))


if __name__ == "__main__":
    raise SystemExit(main())
