"""Settings of a run, as frozen values that are stored beside its results."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from diarspk.errors import ArgumentError
from eval.report.run_record import write_json

Loss = Literal["aam", "subcentre", "softmax", "ge2e"]


@dataclass(frozen=True)
class Phase:
    """One stretch of training.

    Attributes
    ----------
    steps : int
    frames_per_crop, crops : int
        Of a batch, on each device; a hundred frames are a second.
    optimizer : {"sgd", "adamw"}
    learning_rate, final_learning_rate : float
        Between them it falls exponentially, after a warm-up from zero.
    margin_from, margin_to : float
        Shares of the run between which the margin rises from `initial_margin` to `margin`.
    keep, keep_every : int
        So many of the last checkpoints are averaged, that many steps apart.
    altered_speed : float
        Share of crops at another speed, which count as other speakers.
    """

    steps: int
    frames_per_crop: int = 200
    crops: int = 64
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 200
    weight_decay: float = 1e-2
    margin: float = 0.2
    initial_margin: float = 0.0
    margin_from: float = 0.15
    margin_to: float = 0.3
    keep: int = 5
    keep_every: int = 100
    altered_speed: float = 0.4


@dataclass(frozen=True)
class DataSettings:
    """Places of the data.

    Attributes
    ----------
    kind : {"packed", "lhotse"}
        Features that ``recipes.embedded.data.prepare`` has packed, or manifests of lhotse.
    train, noise, rooms, test : str
        Packed: the folder (``train``), and nothing else. lhotse: manifests of cuts.
    speakers, test_speakers : str
        Packed: tables with the speaker of every utterance.
    trials : str
        List of trials; all pairs of the test utterances where it is empty.
    """

    kind: Literal["packed", "lhotse"]
    train: str
    noise: str = ""
    rooms: str = ""
    test: str = ""
    speakers: str = ""
    test_speakers: str = ""
    trials: str = ""


@dataclass(frozen=True)
class Settings:
    """A run: what is trained, on what, and how long.

    Attributes
    ----------
    cohort : int
        Nearest training speakers that AS-norm takes.
    cohort_utterances : int
        Utterances of a training speaker that its mean is taken over, at most.
    """

    architecture: str
    data: DataSettings
    train: Phase
    large_margin: Phase
    loss: Loss = "aam"
    scale: float = 30.0
    dimension: int | None = None
    pooling: str | None = None
    seed: int = 0
    cohort: int = 300
    cohort_utterances: int = 5
    workers: int = 1

    def phase(self, name: str) -> Phase:
        """One of ``train`` and ``large-margin``."""
        phases = {"train": self.train, "large-margin": self.large_margin}
        if name not in phases:
            raise ArgumentError(f"`phase` must be one of {', '.join(phases)}, got {name!r}")
        return phases[name]


def write_settings(settings: Settings, path: Path) -> None:
    write_json(asdict(settings), path)


def read_settings(path: Path) -> Settings:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    data = DataSettings(**content.pop("data"))
    train, large = Phase(**content.pop("train")), Phase(**content.pop("large_margin"))
    return Settings(data=data, train=train, large_margin=large, **content)


@dataclass(frozen=True)
class Budget:
    """Training budget on the packed features, the same for every architecture."""

    train: Phase = field(default_factory=lambda: Phase(steps=3000))
    large_margin: Phase = field(
        default_factory=lambda: Phase(
            steps=300,
            frames_per_crop=400,
            crops=32,
            learning_rate=1e-4,
            final_learning_rate=2.5e-5,
            warmup_steps=20,
            margin=0.4,
            initial_margin=0.4,
            keep=3,
            altered_speed=0.0,
        )
    )
