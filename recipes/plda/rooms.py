"""The same utterances in several rooms: windows whose speaker, utterance and room are known.

A group of speakers says the same sentences, one after the other, in one simulated room after
another, each with its own noise and level. So what a room changes is told from what a speaker, an
utterance and a window change.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.subsegments import LENGTH_S
from diarspk.errors import ArgumentError
from eval.embeddings.speech import Utterance, read_utterances
from eval.simulate.rooms import simulate_room
from eval.simulate.settings import SimulationConfig

__all__ = ["RoomSettings", "Windows", "choose_utterances", "embed_rooms", "render_room"]

Samples = NDArray[np.float32]

PAUSE_S = 0.3
MIN_SPEECH_S = 0.9
"""Minimum speech of a window that is used."""

MAX_UTTERANCE_S = 6.0
EDGE_S = 0.15
"""How far a window may reach beyond its utterance: into the pause after it."""

SIMULATION = SimulationConfig()


@dataclass(frozen=True)
class RoomSettings:
    """Utterances in rooms."""

    groups: int = 45
    """Number of groups of speakers."""
    speakers: int = 8
    """Number of speakers of a group."""
    rooms: int = 3
    """Number of rooms in which a group speaks."""
    seed: int = 0
    """Seed of the draws."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Embeddings ``(n, dim)`` of windows, and numbers ``(n,)`` of what each is from.

    Rooms are numbered through all groups, so that no room has two groups.
    """

    embeddings: NDArray[np.float32]
    speakers: NDArray[np.int64]
    utterances: NDArray[np.int64]
    rooms: NDArray[np.int64]
    groups: NDArray[np.int64]
    starts: NDArray[np.float64]  # seconds from the start of the utterance


def choose_utterances(
    table: Path, settings: RoomSettings, corpora: Sequence[str] = ("common-voice",)
) -> dict[str, int]:
    """Group of each of two utterances, two seconds long or longer, of randomly chosen speakers.

    Raises
    ------
    ArgumentError
        If the table has too few such speakers.
    """
    spoken: dict[str, list[str]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["corpus"] in corpora and float(row["speech_seconds"]) >= 2.0:
                spoken[row["speaker"]].append(row["utterance"])
    able = sorted(speaker for speaker, names in spoken.items() if len(names) > 1)
    needed = settings.groups * settings.speakers
    if len(able) < needed:
        raise ArgumentError(
            f"`groups` times `speakers` must be at most {len(able)}, the speakers of {table} with "
            f"two utterances of 2 s, got {needed}."
        )
    generator = np.random.default_rng(settings.seed)
    chosen = generator.permutation(able)[:needed].tolist()
    return {
        name: number // settings.speakers
        for number, speaker in enumerate(chosen)
        for name in generator.permutation(spoken[speaker])[:2].tolist()
    }


def embed_rooms(
    data: Path, diarizer: Diarizer, noise: Sequence[Samples], settings: RoomSettings
) -> Iterator[Windows]:
    """Embed the windows of one group after another."""
    group_of = choose_utterances(data / "train.tsv", settings)
    groups: dict[int, list[Utterance]] = defaultdict(list)
    for utterance in read_utterances(data, "train", names=group_of):
        groups[group_of[utterance.name]].append(utterance)
    for number in sorted(groups):
        generator = np.random.default_rng([settings.seed, number])
        for room in range(settings.rooms):
            samples, order = render_room(groups[number], noise, generator)
            yield _embed(samples, order, diarizer, number, number * settings.rooms + room)


@dataclass(frozen=True)
class _Placed:
    """Utterance of a speaker of the group, both by number, and where it lies (seconds)."""

    speaker: int
    utterance: int
    start: float
    end: float


def render_room(
    utterances: Sequence[Utterance], noise: Sequence[Samples], generator: np.random.Generator
) -> tuple[Samples, list[_Placed]]:
    """Lay utterances one after the other in a room, with noise; random order, levels and peak."""
    people = sorted({one.speaker for one in utterances})
    room = simulate_room(generator, sources=len(people), reverberation_s=SIMULATION.reverberation_s)
    levels = generator.normal(0, SIMULATION.speaker_level_deviation_db, len(people))
    pieces, placed, position = [], [], 0
    for number in generator.permutation(len(utterances)).tolist():
        one = utterances[number]
        speaker = people.index(one.speaker)
        dry = one.waveform[: round(MAX_UTTERANCE_S * SAMPLE_RATE)]
        gain = 0.05 * 10 ** (levels[speaker] / 20) / max(float(np.sqrt(np.mean(dry**2))), 1e-6)
        tail = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
        wet = oaconvolve(np.concatenate([gain * dry, tail]), room[speaker])
        wet = wet[: len(dry) + len(tail)].astype(np.float32)
        start = position / SAMPLE_RATE
        placed.append(_Placed(speaker, number, start, start + len(dry) / SAMPLE_RATE))
        pieces.append(wet)
        position += len(wet)
    speech = np.concatenate(pieces)
    background = np.resize(noise[int(generator.integers(len(noise)))], len(speech))
    ratio = 10 ** (-generator.uniform(*SIMULATION.noise_ratio_db) / 20)
    background = background * (ratio * np.sqrt(np.mean(speech**2) / np.mean(background**2)))
    samples = speech + background
    peak = 10 ** (generator.uniform(*SIMULATION.peak_db) / 20)
    return (samples * (peak / np.abs(samples).max())).astype(np.float32), placed


def _embed(
    samples: Samples, placed: Sequence[_Placed], diarizer: Diarizer, group: int, room: int
) -> Windows:
    """Embed the diarizer's own windows that lie within one utterance."""
    local = diarizer.first_pass(samples, SAMPLE_RATE).local
    windows = local.subsegments
    assert windows is not None  # the embedded encoder has them
    centres = windows.centre * local.hop
    found: list[tuple[int, int, int, float]] = []
    for one in placed:
        inside = (centres - LENGTH_S / 2 >= one.start - EDGE_S / 2) & (
            centres + LENGTH_S / 2 <= one.end + EDGE_S
        )
        for row in np.flatnonzero(inside & (windows.seconds >= MIN_SPEECH_S)).tolist():
            found.append((row, one.speaker, one.utterance, centres[row] - one.start))
    rows = np.array([row for row, *_ in found], np.int64)
    first = 1000 * group  # numbers of all groups differ
    return Windows(
        windows.embeddings[rows],
        first + np.array([speaker for _, speaker, _, _ in found], np.int64),
        first + np.array([utterance for _, _, utterance, _ in found], np.int64),
        np.full(len(rows), room),
        np.full(len(rows), group),
        np.array([start for *_, start in found], np.float64),
    )
