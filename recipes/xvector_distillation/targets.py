"""Teacher outputs for every crop, computed once and stored on disk.

::

    targets/crops.npz            where the crops lie, and the stride of the teacher's frames
    targets/crops/SOURCE.npy     (crops, dim)                of single kinds
    targets/frames/LAYER.npy     (crops, places, channels)   of layers that are kinds of their own
    targets/test/SOURCE.npy      (utterances, dim)           of whole test utterances
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.atomic import atomic_path
from eval.report.progress import follow
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
    """Run the teacher over everything; what is there is replaced at once, never half."""
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
    with atomic_path(folder) as part:
        for name in ("crops", "frames", "test"):
            (part / name).mkdir(parents=True)
        np.savez(
            part / "crops.npz",
            rows=crops.rows,
            begins=crops.begins,
            frames=crops.frames,
            stride=teacher.network.stride,
        )
        _write_crops(teacher, layers, settings, train, crops, part, device)
        _write_test(teacher, test, part / "test", device)
        shutil.rmtree(folder, ignore_errors=True)  # a folder replaces nothing but an empty one


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
    places = frame_places(crops.frames, settings.context, settings.places, stride)
    files: dict[Path, Array] = {}
    count = len(crops.rows)
    for first in follow(range(0, count, BATCH), "targets"):
        chosen = np.arange(first, min(first + BATCH, count))
        features = crops.features(pool, chosen, centred=teacher.centred)
        vectors, activations = teacher.compute(_tensor(features, device))
        found = {folder / "crops" / f"{name}.npy": one for name, one in vectors.items()}
        for layer in layers:
            frames = activations.frames[layer]
            lost = (-(-crops.frames // stride) - frames.shape[1]) // 2  # on either side
            found[folder / "frames" / f"{layer}.npy"] = frames[:, places // stride - lost]
        for path, tensor in found.items():
            if path not in files:
                files[path] = _create(path, (count, *tensor.shape[1:]))
            files[path][chosen] = tensor.half().cpu().numpy()


def _write_test(teacher: Teacher, pool: Pool, folder: Path, device: torch.device | None) -> None:
    rows = tested_rows(pool)
    found: dict[str, list[Array]] = {}
    for row in rows:
        minimum = teacher.network.minimum
        features = whole_recording(pool, row, minimum, centred=teacher.centred)
        vectors, _ = teacher.compute(_tensor(features[None], device))
        for name, tensor in vectors.items():
            found.setdefault(name, []).append(tensor[0].half().cpu().numpy())
    for name, own in found.items():
        np.save(folder / f"{name}.npy", np.stack(own))


def _create(path: Path, shape: tuple[int, ...]) -> Array:
    created: Array = np.lib.format.open_memmap(path, "w+", np.float16, shape)
    return created


def _tensor(features: NDArray[np.float32], device: torch.device | None) -> Tensor:
    return torch.from_numpy(features).to(device)
