"""Training data of the embedded model: packed features, waveforms, speech and turn-taking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recipes.embedded.data.conversations import ConversationConfig, Conversations
from recipes.embedded.data.crops import CropConfig, SpeakerCrops
from recipes.embedded.data.pool import JoinedPool, Pool, read_pool
from recipes.embedded.data.speakers import read_groups, read_speakers
from recipes.embedded.data.speech_frames import read_speech_probabilities
from recipes.embedded.data.teacher_frames import (
    FrameTargets,
    JoinedFrameTargets,
    read_frame_targets,
)
from recipes.embedded.data.teacher_targets import read_axes, read_targets, teacher_keys
from recipes.embedded.data.turns import Turn, TurnTaking, read_templates
from recipes.embedded.data.voice_pool import VoicePool
from recipes.embedded.data.waveforms import Sources, read_sources
from recipes.training.sharing import EVERYTHING, Share

__all__ = ["DataSettings", "TrainingData", "read_training_data"]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Packed recordings and their labels, from which batches are drawn.

    Attributes
    ----------
    pool, noise : Pool
        Features of voices and of noise.
    sources : Sources
        Waveforms of both, and rooms.
    speakers : dict of str to str
        Speaker of every utterance.
    groups : dict of str to str
        Sex and age group of speakers.
    speech : dict of str to array
        Probability of speech along each utterance.
    templates : list
        Turn-taking of each corpus.
    teacher : Tensor, ``(rows, dimension)``
        The teacher's unit vector for each row that crops are drawn from; NaN where it has none.
        The rows of the pool come first.
    frames : FrameTargets
        The teacher's frame features, of the same rows.
    warped : Pool, optional
        Features of voices that were changed, whose rows follow.
    """

    pool: Pool
    noise: Pool
    sources: Sources
    speakers: dict[str, str]
    groups: dict[str, str]
    speech: dict[str, NDArray[np.float32]]
    templates: list[list[list[Turn]]]
    teacher: Tensor
    frames: FrameTargets
    warped: Pool | None = None

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows that are drawn: those that the teacher has embedded, ``(rows,)``."""
        known: NDArray[np.bool_] = self.teacher.isfinite().all(1).numpy()
        return known

    def conversations(
        self, config: ConversationConfig | None = None, *, seed: int, share: Share = EVERYTHING
    ) -> Conversations:
        """Draw simulated windows of conversation."""
        config = config or ConversationConfig()
        voices = VoicePool(
            self.pool,
            self.speakers,
            self.speech,
            config,
            usable=self.usable[: len(self.pool.start)],
            teacher=self.teacher[: len(self.pool.start)].numpy(),
        )
        turns = TurnTaking(self.templates, config)
        return Conversations(turns, voices, self.sources, config, seed=seed, share=share)

    def crops(self, *, seed: int, share: Share = EVERYTHING) -> SpeakerCrops:
        """Draw crops of one speaker each."""
        return SpeakerCrops(
            self.pool if self.warped is None else JoinedPool(self.pool, self.warped),
            self.noise,
            self.speakers,
            CropConfig(),
            usable=self.usable,
            seed=seed,
            share=share,
            targets=self.frames,
            groups=self.groups,
        )


@dataclass(frozen=True)
class DataSettings:
    """Training data."""

    packed: Path
    """Folder that recipes.embedded.data.prepare has packed."""
    speakers: Path
    """Table train.tsv, or that of recipes.embedded.data.labels."""
    annotations: Path
    """Folder of RTTM files by corpus."""


def read_training_data(settings: DataSettings, *, in_memory: bool = True) -> TrainingData:
    """Read what settings name.

    Parameters
    ----------
    in_memory
        Read all features at once; otherwise each when it is drawn, through the system's page cache.
    """
    train, changed = settings.packed / "train", settings.packed / "warped"
    pool = read_pool(train, in_memory=in_memory)
    warped = read_pool(changed, in_memory=in_memory) if (changed / "index.csv").exists() else None
    speakers, axes = read_speakers(settings.speakers), read_axes(train / "axes.npz")
    teacher = read_targets(train / "teacher.npz", pool, speakers, axes)
    frames = read_frame_targets(train, teacher_keys(pool))
    if warped is not None:
        own = read_targets(changed / "teacher.npz", warped, speakers, axes)
        teacher = torch.cat([teacher, own])
        frames = JoinedFrameTargets(frames, read_frame_targets(changed, teacher_keys(warped)))
    return TrainingData(
        pool=pool,
        noise=read_pool(settings.packed / "noise"),
        sources=read_sources(settings.packed),
        speakers=speakers,
        groups=read_groups(settings.speakers),
        speech=read_speech_probabilities(train / "speech.npz"),
        templates=read_templates(settings.annotations),
        teacher=teacher,
        frames=frames,
        warped=warped,
    )
