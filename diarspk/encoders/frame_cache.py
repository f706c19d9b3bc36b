"""Frames of a frozen front end on the disk: by their audio and the front end, bounded, float16."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError

__all__ = ["FrameCache"]

GIGABYTE = 10**9
KEPT = 0.9
"""Share of the limit that is left after the oldest files were removed."""


class FrameCache:
    """Arrays in a folder, each a file of its own; the longest unused are removed first.

    Several processes may use a folder together. A file that is damaged or gone is computed again.

    Parameters
    ----------
    folder : Path
    gigabytes : float
        Limit of the folder's size, in 10^9 bytes; files that several processes write at once may
        go beyond it for a while.
    """

    def __init__(self, folder: Path, gigabytes: float = 20.0) -> None:
        if not gigabytes > 0:
            raise ArgumentError(f"`gigabytes` must be above 0, got {gigabytes}")
        self.folder, self.limit = folder, round(gigabytes * GIGABYTE)
        self.hits = self.misses = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.size = sum(size for _, size, _ in self._files())

    def key(self, waveform: Tensor, front_end: str) -> str:
        """Digest of a waveform ``(time,)`` and of what identifies the front end."""
        content = hashlib.sha256(front_end.encode())
        content.update(waveform.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        return content.hexdigest()

    def read(self, key: str) -> Tensor | None:
        """Frames that were stored under a key, as float16; None where there are none."""
        path = self._path(key)
        try:
            frames = torch.from_numpy(np.load(path, allow_pickle=False))
            os.utime(path)  # it was used just now
        except (OSError, ValueError, EOFError):
            self.misses += 1
            return None
        self.hits += 1
        return frames

    def write(self, key: str, frames: Tensor) -> None:
        """Store frames as float16; those that are too large for it are left out."""
        half = frames.detach().to("cpu", torch.float16)
        if not bool(half.isfinite().all()):
            return
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        with atomic_path(path) as part, part.open("wb") as stream:
            np.save(stream, half.numpy())
        self.size += path.stat().st_size
        if self.size > self.limit:
            self._shrink()

    def _shrink(self) -> None:
        files = sorted(self._files())
        self.size = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self.size <= KEPT * self.limit:
                break
            path.unlink(missing_ok=True)
            self.size -= size

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of the last use, size and path of every file."""
        found = []
        for path in self.folder.glob("??/*.npy"):
            try:
                facts = path.stat()
            except OSError:  # another process has just removed it
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npy"
