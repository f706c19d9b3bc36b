"""Settings of a run, as frozen values that are stored beside its results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from diarspk.errors import ArgumentError
from eval.report.run_record import damaged_settings, write_json

Loss = Literal["aam", "subcentre", "softmax", "ge2e"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


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
    front_end_rate : float
        Learning rate of the front end's last layer, as a share of the encoder's; 0 freezes it.
    layer_decay : float
        Rate of each layer of the front end, as a share of that of the layer above.
    views : int
        So many fixed crops of an utterance at a speed, each with its own noise or room, are drawn
        again and again, so that a cache of the front end's frames finds them; 0: any crop.
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
    front_end_rate: float = 0.0
    layer_decay: float = 1.0
    views: int = 0


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
class FrontEndSettings:
    """Self-supervised network, or other features, below the architecture.

    Attributes
    ----------
    name : str
        See :func:`diarspk.encoders.upstreams.parse_upstream`; empty for that of the encoder to
        begin with.
    layer : int, optional
        The only layer that is used; none: a learned sum of all.
    normalize, centred : bool
        Layer norm of each frame; mean over time taken off each channel.
    cache : str
        Folder of frames, while it is frozen; empty: none.
    cache_gigabytes : float
        Limit of that folder.
    """

    name: str
    layer: int | None = None
    normalize: bool = False
    centred: bool = True
    cache: str = ""
    cache_gigabytes: float = 20.0


@dataclass(frozen=True)
class Validation:
    """Validation in the course of training, on training speakers that are held out.

    Attributes
    ----------
    speakers : int
        So many are held out; 0: none, and no validation.
    utterances : int
        Of each, at most; all pairs of them are the trials.
    every : int
        Steps from one validation to the next.
    """

    speakers: int = 0
    utterances: int = 5
    every: int = 1000


@dataclass(frozen=True)
class Settings:
    """A run: what is trained, on what, and how long.

    Attributes
    ----------
    tune : Phase, optional
        Phase in which the front end is trained along with the encoder; before it, it is frozen.
    front_end : FrontEndSettings, optional
        None for log-mel features, or the waveform where the architecture reads it.
    weights : str
        Encoder to begin with, as :func:`diarspk.load_encoder` takes it, its front end included.
    precision : {"32-true", "bf16-mixed", "16-mixed"}
        Of matrix products in training.
    limit : int, optional
        Steps of each phase in a dry run, which also tests on little.
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
    tune: Phase | None = None
    front_end: FrontEndSettings | None = None
    weights: str = ""
    precision: Precision = "32-true"
    validation: Validation = Validation()
    limit: int | None = None

    @property
    def phases(self) -> dict[str, Phase]:
        """Phases of the run by name, in order."""
        named = {"train": self.train, "tune": self.tune, "large-margin": self.large_margin}
        return {name: phase for name, phase in named.items() if phase is not None}

    def phase(self, name: str) -> Phase:
        """One of :attr:`phases`."""
        if name not in self.phases:
            raise ArgumentError(f"`phase` must be one of {', '.join(self.phases)}, got {name!r}")
        return self.phases[name]


def write_settings(settings: Settings, path: Path) -> None:
    write_json(asdict(settings), path)


def read_settings(path: Path) -> Settings:
    """Read the settings of a run.

    Raises
    ------
    ArgumentError
        If the file is damaged, or of another recipe.
    """
    with damaged_settings(path):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name, kind in PARTS.items():
            if content.get(name) is not None:
                content[name] = kind(**content[name])
        return Settings(**content)


PARTS: Mapping[str, Callable[..., Any]] = {
    "data": DataSettings,
    "train": Phase,
    "tune": Phase,
    "large_margin": Phase,
    "front_end": FrontEndSettings,
    "validation": Validation,
}
"""Settings that are settings themselves."""


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
