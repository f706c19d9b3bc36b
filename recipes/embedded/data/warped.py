"""Pack utterances in changed voices, and what the teacher makes of them.

    python -m recipes.embedded.data.warped --packed PACKED [--workers 2]

A model that follows a teacher on a few thousand voices learns those by heart: a changed voice costs
a pass of the teacher and no new recording. Every utterance gets one of its own
(:mod:`~recipes.embedded.data.warping`), packed as it is and degraded once; it belongs to no class,
and its target is the teacher's embedding of this utterance alone. ``PACKED/warped`` has what
``PACKED/train`` has: features and their index, ``teacher.npz`` and ``teacher-frames.npy``, on the
axes of the teacher's frames there. Interrupted, it goes on with the parts that are missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from eval.command_line import command
from eval.report.progress import follow
from recipes.embedded.data.degradation import degrade
from recipes.embedded.data.pool import WARPED, WARPED_VARIANTS
from recipes.embedded.data.prepare import Packed, Packer, write
from recipes.embedded.data.shards import Waveform, seed_of
from recipes.embedded.data.teacher import Store, StoredOutput, in_batches, load_teacher
from recipes.embedded.data.warping import draw_warp, warp_voice
from recipes.embedded.data.waveforms import read_sources

__all__ = ["main"]

DEGRADATIONS = ("room", "noisy", "channel")
"""Of which one is drawn."""

UTTERANCES = 256
"""Utterances of a part."""


@dataclass(frozen=True)
class Sounds:
    """Rooms and noises to degrade with."""

    rooms: list[Waveform]
    noises: list[Waveform]


@cache
def open_sounds(packed: Path) -> Sounds:
    sources = read_sources(packed)
    rooms = sources.rooms.reshape(-1, sources.rooms.shape[-1])
    noises = [sources.noises.read(name) for name in sources.noises.names]
    return Sounds([room.astype(np.float32) for room in rooms], noises)


def change(audio: Waveform, utterance: str, sounds: Sounds) -> tuple[Waveform, Waveform]:
    """Return an utterance in a changed voice, and that degraded; both depend on its name alone."""
    generator = np.random.default_rng([seed_of(utterance), 99])
    warped = warp_voice(audio, draw_warp(generator))
    kind = str(generator.choice(DEGRADATIONS))
    return warped, degrade(warped, kind, sounds.rooms, sounds.noises, generator)


@torch.inference_mode()
def work(packed: Path, axes: tuple[NDArray[np.float32], NDArray[np.float32]], part: Part) -> None:
    """Write the features of a part, and the teacher's outputs."""
    if part.file.exists():
        return
    torch.set_num_threads(1)
    voices, sounds, packer = read_sources(packed).voices, open_sounds(packed), Packer()
    changed: dict[str, Waveform] = {}
    for name in part.names:
        audio, degraded = change(voices.read(name), name, sounds)
        for variant, made in zip(WARPED_VARIANTS, (audio, degraded), strict=True):
            packer.add(made, utterance=name, variant=variant)
        changed[name] = audio
    mean, columns = (torch.from_numpy(one) for one in axes)
    outputs: dict[str, StoredOutput] = {}
    keys = [(name, WARPED) for name in part.names]
    for batch in in_batches(keys, lambda name: len(changed[name])):
        with torch.autocast("cpu", torch.bfloat16):
            found = load_teacher().forward([changed[name] for name, _ in batch])
        for (name, _), one in zip(batch, found, strict=True):
            frames = ((one.frames.float() - mean) @ columns).half().numpy()
            outputs[name] = StoredOutput(one.vector.half().numpy(), frames)
    features = packer.finish()
    with atomic_path(part.file) as file, file.open("wb") as stream:
        np.savez(
            stream,
            features=features.features,
            frames=[row["frames"] for row in features.rows],
            vector=np.stack([outputs[name].vector for name in part.names]),
            teacher_frames=np.concatenate([outputs[name].frames for name in part.names]),
            counts=[len(outputs[name].frames) for name in part.names],
        )


@dataclass(frozen=True)
class Part:
    """Utterances that one process works on at a time, and the file of what it found."""

    names: Sequence[str]
    file: Path

    def packed(self) -> Packed:
        """Read the features, two rows for each utterance."""
        with np.load(self.file) as stored:
            rows: list[dict[str, str | int]] = [
                {"utterance": name, "variant": variant, "frames": int(frames)}
                for (name, variant), frames in zip(
                    ((name, variant) for name in self.names for variant in WARPED_VARIANTS),
                    stored["frames"],
                    strict=True,
                )
            ]
            return Packed(stored["features"], rows)

    def outputs(self) -> list[StoredOutput]:
        """Read what the teacher made of each utterance."""
        with np.load(self.file) as stored:
            frames = np.split(stored["teacher_frames"], np.cumsum(stored["counts"])[:-1])
            return [StoredOutput(*pair) for pair in zip(stored["vector"], frames, strict=True)]


@dataclass(frozen=True)
class Settings:
    packed: Path
    """Folder that recipes.embedded.data.waveforms and .teacher have packed."""
    workers: int = 2
    """Number of processes."""


@command
def main(settings: Settings) -> None:
    target = settings.packed / "warped"
    unfinished = target / "parts"
    unfinished.mkdir(parents=True, exist_ok=True)
    names = read_sources(settings.packed).voices.names
    parts = [
        Part(names[first : first + UTTERANCES], unfinished / f"{first:06}.npz")
        for first in range(0, len(names), UTTERANCES)
    ]
    with np.load(settings.packed / "train" / "teacher.npz") as stored:
        axes = stored["mean"], stored["axes"]
    with ProcessPoolExecutor(settings.workers, get_context("spawn")) as pool:
        for _ in follow(pool.map(partial(work, settings.packed, axes), parts), WARPED, len(parts)):
            pass
    write((part.packed() for part in parts), target)
    keys = [(name, WARPED) for name in names]
    outputs = [one for part in parts for one in part.outputs()]
    Store((torch.from_numpy(axes[0]), torch.from_numpy(axes[1])), keys, outputs).write(target)
    shutil.rmtree(unfinished)


if __name__ == "__main__":
    raise SystemExit(main())
