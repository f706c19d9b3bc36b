"""Turn-taking of simulated windows: cut from real conversations, invented, interjected."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from recipes.embedded.data.pool import FRAMES_PER_SECOND

__all__ = ["Turn", "TurnConfig", "TurnTaking", "read_templates", "read_turns"]

Turn = tuple[int, int, str]  # first frame, last frame, speaker


@dataclass(frozen=True)
class TurnConfig:
    """Settings of the turns of a window."""

    frames: int = 1000
    speakers: int = 3
    dense_probability: float = 0.6  # windows chosen for overlap and rapid change
    invented_probability: float = 0.2  # turns drawn at random instead of from a template
    interjection_probability: float = 0.3  # windows with short turns laid over the others
    max_interjections: int = 4
    interjection_frames: tuple[int, int] = (25, 100)
    empty_probability: float = 0.12  # windows in which nobody talks


def read_turns(path: Path) -> list[Turn]:
    """Read the turns of one RTTM file in frames."""
    turns = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if len(fields) > 7 and fields[0] == "SPEAKER":
            start = round(float(fields[3]) * FRAMES_PER_SECOND)
            turns.append((start, start + round(float(fields[4]) * FRAMES_PER_SECOND), fields[7]))
    return sorted(turns)


def read_templates(folder: Path) -> list[list[list[Turn]]]:
    """Turn-taking of AMI train and VoxConverse dev, drawn from with equal probability.

    AMI's is that by forced alignment (``ami-mfa``) where the folder has it: its turns end where
    speech ends, and part at pauses.
    """
    forced = folder / "ami-mfa" / "train"
    ami = forced if forced.is_dir() else folder / "ami" / "train"
    corpora = (ami, folder / "voxconverse" / "dev")
    return [
        [turns for path in sorted(corpus.glob("*.rttm")) if (turns := read_turns(path))]
        for corpus in corpora
    ]


class TurnTaking:
    """Draws the turns of windows, from templates for the most part.

    Parameters
    ----------
    templates
        Turns of conversations, by corpus; corpora are drawn from with equal probability.
    config
        How turns are drawn.
    """

    def __init__(self, templates: list[list[list[Turn]]], config: TurnConfig) -> None:
        self.templates, self.config = templates, config

    def draw(self, generator: np.random.Generator) -> list[Turn]:
        """Draw the turns of one window."""
        return self.interject(self.draw_turns(generator), generator)

    def draw_turns(self, generator: np.random.Generator) -> list[Turn]:
        """Draw turns of one window, clipped to it, of its ``speakers`` most active speakers."""
        if generator.random() < self.config.empty_probability:
            return []
        if generator.random() < self.config.invented_probability:
            return self.invent_turns(generator)
        tries = 4 if generator.random() < self.config.dense_probability else 1
        candidates = [self.cut_template(generator) for _ in range(tries)]
        return max(candidates, key=lambda turns: _density(turns, self.config.frames))

    def cut_template(self, generator: np.random.Generator) -> list[Turn]:
        corpus = self.templates[generator.integers(len(self.templates))]
        turns = corpus[generator.integers(len(corpus))]
        length = self.config.frames
        begin = int(generator.integers(max(turns[-1][1] - length, 0) + 1))
        inside = [
            (max(start - begin, 0), min(end - begin, length), name)
            for start, end, name in turns
            if start - begin < length and end > begin
        ]
        time: dict[str, int] = defaultdict(int)
        for start, end, name in inside:
            time[name] += end - start
        chosen = sorted(time, key=lambda name: -time[name])[: self.config.speakers]
        return [turn for turn in inside if turn[2] in chosen]

    def invent_turns(self, generator: np.random.Generator) -> list[Turn]:
        """Short turns of one to three speakers with gaps and overlaps around zero."""
        turns, time = [], int(generator.normal(0, 60))
        count, name = generator.integers(1, self.config.speakers + 1), 0
        while time < self.config.frames:
            length = int(np.clip(generator.lognormal(np.log(150), 0.8), 20, 800))
            if time + length > 0:
                turns.append((max(time, 0), min(time + length, self.config.frames), str(name)))
            name = int(generator.integers(count))
            time += max(length + int(generator.normal(10, 60)), 10)
        return turns

    def interject(self, turns: list[Turn], generator: np.random.Generator) -> list[Turn]:
        """Add short turns of the window's speakers at random places: "yeah", "right"."""
        if not turns or generator.random() >= self.config.interjection_probability:
            return turns
        names, frames = sorted({name for _, _, name in turns}), self.config.frames
        added: list[Turn] = []
        for _ in range(generator.integers(1, self.config.max_interjections + 1)):
            length = int(generator.integers(*self.config.interjection_frames))
            start = int(generator.integers(frames - length + 1))
            end, name = start + length, str(generator.choice(names))
            if not any(n == name and s < end and start < e for s, e, n in turns + added):
                added.append((start, end, name))
        return turns + added


def _density(turns: list[Turn], frames: int) -> int:
    """Overlapped frames plus a second for every change of speaker."""
    count = np.zeros(frames, np.int64)
    for start, end, _ in turns:
        count[start:end] += 1
    changes = sum(before[2] != after[2] for before, after in pairwise(turns))
    return int((count > 1).sum()) + FRAMES_PER_SECOND * changes
