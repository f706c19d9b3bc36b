"""Teacher outputs for every crop, computed once and stored on disk.

::

    targets/crops.npz            where the crops lie, and the stride of the teacher's frames
    targets/crops/SOURCE.npy     (crops, dim)                of single kinds
    targets/frames/LAYER.npy     (crops, places, channels)   of layers that are kinds of their own
    targets/test/SOURCE.npy      (utterances, dim)           of whole test utterances
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eval.report.progress import follow
from eval.report.run_record import write_text
from recipes.embedded.data.pool import Pool
from recipes.xvector_distillation.crops import Crops, draw_crops, frame_places, whole_recording
from recipes.xvector_distillation.embedding_types import Kind, join_parts
from recipes.xvector_distillation.settings import Settings
from recipes.xvector_distillation.teacher import Teacher

__all__ = ["TARGETS", "Targets", "read_targets", "tested_rows", "write_targets"]

TARGETS = "targets"
BATCH = 64

Array = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Targets:
    """Outputs of :func:`write_targets`, read from the disk where they are needed.

    Attributes
    ----------
    stride : int
        Feature frames for each of the teacher's.
    """

    folder: Path
    crops: Crops
    stride: int

    def dimension(self, kind: Kind) -> int:
        """Length of an embedding of a kind."""
        stored = (self.folder / "test" / f"{one}.npy" for one in kind.sources)
        return sum(int(np.load(path, mmap_mode="r").shape[1]) for path in stored)

    def of_crops(self, kind: Kind) -> NDArray[np.float32]:
        """Embeddings ``(crops, dim)`` of a kind, each part centred over the crops."""
        return self._joined(kind, "crops")

    def of_test(self, kind: Kind) -> NDArray[np.float32]:
        """Embeddings ``(utterances, dim)`` of whole test utterances, centred alike."""
        return self._joined(kind, "test")

    def of_frames(self, layer: str) -> Array:
        """Frames ``(crops, places, channels)`` of a layer."""
        stored: Array = np.load(self.folder / "frames" / f"{layer}.npy", mmap_mode="r")
        return stored

    def _joined(self, kind: Kind, part: str) -> NDArray[np.float32]:
        return join_parts([self._centred(one, part) for one in kind.sources])

    def _centred(self, source: str, part: str) -> NDArray[np.float32]:
        """Embeddings less their mean over the crops.

        Activations after a ReLU have one: a large vector that all have in common, which a cosine
        sees before anything else.
        """
        found, crops = (np.load(self.folder / one / f"{source}.npy") for one in (part, "crops"))
        centred: NDArray[np.float32] = found - crops.mean(axis=0, dtype=np.float32)
        return centred


def write_targets(
    teacher: Teacher,
    kinds: Sequence[Kind],
    settings: Settings,
    train: Pool,
    test: Pool,
    folder: Path,
    *,
    device: torch.device | None = None,
) -> None:
    """Run the teacher over everything, or go on where an earlier call was interrupted.

    What is there is replaced at once, never half; till then, results lie in a folder beside.
    """
    teacher.network.to(device)
    for one in teacher.aggregations.values():
        one.to(device)
    crops = draw_crops(
        train,
        settings.variants,
        settings.students.frames_per_crop,
        settings.seed,
        limit=settings.recordings,
    )
    layers = [layer for layer in teacher.layers if any(kind.layer == layer for kind in kinds)]
    part = folder.with_name(f"{folder.name}-unfinished")
    for name in ("crops", "frames", "test"):
        (part / name).mkdir(parents=True, exist_ok=True)
    _write_crops(teacher, layers, settings, train, crops, part, device)
    _write_test(teacher, test, part, device)
    with (part / "crops.npz").open("wb") as stream:
        np.savez(
            stream,
            rows=crops.rows,
            begins=crops.begins,
            frames=crops.frames,
            stride=teacher.network.stride,
        )
    shutil.rmtree(folder, ignore_errors=True)  # a folder replaces nothing but an empty one
    part.rename(folder)


def read_targets(run: Path) -> Targets:
    """Read the targets of a run."""
    with np.load(run / TARGETS / "crops.npz") as stored:
        crops = Crops(stored["rows"], stored["begins"], int(stored["frames"]))
        return Targets(run / TARGETS, crops, int(stored["stride"]))


def tested_rows(pool: Pool) -> list[int]:
    """Recordings that are tested."""
    return [row for row, variant in enumerate(pool.variant) if variant == "recorded"]


def _write_crops(
    teacher: Teacher,
    layers: Sequence[str],
    settings: Settings,
    pool: Pool,
    crops: Crops,
    folder: Path,
    device: torch.device | None,
) -> None:
    stride = teacher.network.stride
    stride = teacher.network.stride
    places = frame_places(crops.frames, settings.context, settings.places, stride)
    count = len(crops.rows)
    stored = _Rows(folder, "crops", count)
    for first in follow(range(stored.done, count, BATCH), "targets"):
        chosen = np.arange(first, min(first + BATCH, count))
        features = crops.features(pool, chosen, centred=teacher.centred)
        vectors, activations = teacher.compute(_tensor(features, device))
        found = {f"crops/{name}": one for name, one in vectors.items()}
        for layer in layers:
            frames = activations.frames[layer]
            lost = (-(-crops.frames // stride) - frames.shape[1]) // 2  # on either side
            found[f"frames/{layer}"] = frames[:, places // stride - lost]
        stored.put(chosen, found)


def _write_test(teacher: Teacher, pool: Pool, folder: Path, device: torch.device | None) -> None:
    rows = tested_rows(pool)
    stored = _Rows(folder, "test", len(rows))
    for number in follow(range(stored.done, len(rows)), "test utterances"):
        minimum = teacher.network.minimum
        features = whole_recording(pool, rows[number], minimum, centred=teacher.centred)
        vectors, _ = teacher.compute(_tensor(features[None], device))
        stored.put(np.array([number]), {f"test/{name}": one for name, one in vectors.items()})


class _Rows:
    """Arrays that are filled row by row, and how far they are, kept on the disk."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        self.folder, self.count = folder, count
        self.files: dict[str, np.memmap[Any, np.dtype[np.float16]]] = {}
        self.mark = folder / f"{name}.json"
        self.done: int = json.loads(self.mark.read_text()) if self.mark.is_file() else 0

    def put(self, chosen: NDArray[np.int64], found: Mapping[str, Tensor]) -> None:
        """Store the next rows; the mark is set when they are on the disk."""
        for name, tensor in found.items():
            if name not in self.files:
                self.files[name] = self._open(name, tuple(tensor.shape[1:]))
            self.files[name][chosen] = tensor.half().cpu().numpy()
            self.files[name].flush()
        self.done = int(chosen[-1]) + 1
        write_text(json.dumps(self.done), self.mark)

    def _open(self, name: str, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.float16]]:
        path = self.folder / f"{name}.npy"
        if self.done:
            return np.lib.format.open_memmap(path, "r+")
        return np.lib.format.open_memmap(path, "w+", np.float16, (self.count, *shape))


def _tensor(features: NDArray[np.float32], device: torch.device | None) -> Tensor:
    return torch.from_numpy(features).to(device)
