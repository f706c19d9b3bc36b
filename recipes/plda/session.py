"""Fit the PLDA that tells people of one recording apart, whatever room they are in.

    python -m recipes.plda.session --data ../shared --output diarspk/assets/sessions/PRINT.json

DATA holds ``speech/`` and ``noise/noise/*.opus``. PRINT is the encoder's fingerprint. The PLDA is
that of recipes.plda.train without the directions in which a room moves all voices the most
(nuisance attribute projection, Solomonoff et al. 2005); the card states the variances of noise,
utterances and rooms that ``diarspk.clustering.PldaClusterer`` counts people by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda, write_plda
from diarspk.diarization.defaults import load_plda
from diarspk.diarization.diarizer import Diarizer
from eval.command_line import command
from eval.report.progress import follow
from eval.simulate.noise import read_noise
from recipes.plda.rooms import RoomSettings, Windows, embed_rooms

Matrix = NDArray[np.float64]

APART_S = 1.5
"""Windows that start so far apart share no audio."""

PAIRS = 200_000

MIN_NOISE_S = 3.0


@dataclass(frozen=True, eq=False)
class Variation:
    """Covariances ``(d, d)`` in the diagonal space of a PLDA."""

    noise: Matrix
    utterance: Matrix
    room: Matrix
    speaker: Matrix

    @property
    def shares(self) -> dict[str, float]:
        """Mean variance of a dimension."""
        return {
            name: round(float(np.trace(getattr(self, name)) / len(self.noise)), 4)
            for name in ("noise", "utterance", "room", "speaker")
        }


def measure_variation(windows: Sequence[Windows], plda: Plda, seed: int = 0) -> Variation:
    """Estimate the covariances from half the squared differences of random pairs of windows.

    Pairs of one utterance in one room, whose windows share no audio, differ by noise; those of two
    utterances also by utterance; those of two rooms also by room; those of two speakers in one
    room by noise, utterance and speaker.
    """
    features = plda.project(np.concatenate([part.embeddings for part in windows]))
    speaker, utterance, room, group = (
        np.concatenate([getattr(part, name) for part in windows])
        for name in ("speakers", "utterances", "rooms", "groups")
    )
    start = np.concatenate([part.starts for part in windows])
    generator = np.random.default_rng(seed)
    first = generator.integers(len(features), size=20 * PAIRS)
    edges = np.searchsorted(group, np.arange(group.max() + 2))  # rows come by group
    low, high = edges[group[first]], edges[group[first] + 1]
    second = low + (generator.random(len(first)) * (high - low)).astype(np.int64)
    same_speaker = speaker[first] == speaker[second]
    same_utterance = utterance[first] == utterance[second]
    same_room = room[first] == room[second]
    apart = np.abs(start[first] - start[second]) >= APART_S

    def half_square(chosen: NDArray[np.bool_]) -> Matrix:
        rows = np.flatnonzero(chosen)[:PAIRS]
        differences = features[first[rows]] - features[second[rows]]
        return np.asarray(differences.T @ differences / (2 * len(rows)))

    noise = half_square(same_utterance & same_room & apart)
    within = half_square(same_speaker & ~same_utterance & same_room)
    rooms = half_square(same_speaker & ~same_utterance & ~same_room)
    between = half_square(~same_speaker & same_room)
    return Variation(noise, within - noise, rooms - within, between - within)


def room_directions(variation: Variation, count: int) -> Matrix:
    """Directions ``(d, count)`` in which rooms move voices the most."""
    return np.asarray(np.linalg.eigh(variation.room)[1][:, ::-1][:, :count])


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    data: Path
    """Folder with speech and noise."""
    output: Path
    """JSON card to write."""
    rooms: RoomSettings
    directions: int = 6
    """Number of directions that are taken out."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    plda, diarizer = load_plda(), Diarizer()
    noise = read_noise(settings.data / "noise" / "noise", shortest_s=MIN_NOISE_S)
    rooms = settings.rooms
    passes = embed_rooms(settings.data / "speech", diarizer, noise, rooms)
    windows = list(follow(passes, "rooms", rooms.groups * rooms.rooms))
    variation = measure_variation(windows, plda)
    kept = plda.without(room_directions(variation, settings.directions))
    shares = measure_variation(windows, kept).shares
    card: dict[str, object] = {
        "recipe": (
            f"python -m recipes.plda.session --data DATA --directions {settings.directions} "
            f"--groups {rooms.groups} --speakers {rooms.speakers} --rooms {rooms.rooms} "
            f"--seed {rooms.seed}"
        ),
        "windows": sum(len(part.embeddings) for part in windows),
        "variances_before": variation.shares,
        "variances": shares,
    }
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    write_plda(settings.output, kept, card)
    print(f"variance of a dimension before: {variation.shares}\nvariance now: {shares}")


if __name__ == "__main__":
    raise SystemExit(main())
