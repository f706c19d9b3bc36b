"""Diarization of recordings on the workers of a cluster, and its results as files."""

from __future__ import annotations

import functools
import io
import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from diarspk.cluster.workers import LOCAL, Row, Workers, map_dataset, map_rows, start_ray
from diarspk.errors import ArgumentError, DiarspkError, DiarspkWarning
from diarspk.file_names import file_stems

if TYPE_CHECKING:
    from ray.data import Dataset

    from diarspk.diarization.diarizer import Diarizer

__all__ = ["COLUMNS", "diarize", "write_rttm"]

COLUMNS = ("path", "uri", "rttm", "duration", "speakers", "warnings", "error")
"""Columns of a result: one row for each recording, with an empty ``error`` where it was done."""


def diarize(
    recordings: Sequence[str | os.PathLike[str]] | Dataset,
    *,
    workers: int = 1,
    cpus_per_worker: float = 1.0,
    gpus_per_worker: float = 0.0,
    address: str = LOCAL,
    num_speakers: int | None = None,
    min_speakers: int | None = None,
    max_speakers: int | None = None,
    **options: Any,
) -> Dataset:
    """Diarize recordings on the workers of a cluster.

    Parameters
    ----------
    recordings
        Paths, local to the workers or of any filesystem that fsspec knows (``s3://``, ``gs://``,
        ``hdfs://``); or a dataset with a column ``path`` and, if it holds the files themselves,
        ``bytes``, as ``ray.data.read_binary_files(..., include_paths=True)`` makes it.
    workers, cpus_per_worker, gpus_per_worker, address
        See :class:`Workers`.
    num_speakers, min_speakers, max_speakers
        For every recording; see :class:`diarspk.Diarizer`.
    **options
        For :meth:`diarspk.Diarizer.load`: name, segmentation, threshold, ...

    Returns
    -------
    ray.data.Dataset
        Lazy; one row for each recording with the columns :data:`COLUMNS`: path, uri, RTTM as text,
        seconds, number of speakers, warnings, and the error of a recording that failed. The others
        are done all the same.

    Raises
    ------
    ArgumentError
        If there is no recording, or a number can mean nothing.
    ModelError
        If Ray is not installed, or the address leads to no cluster.
    """
    crew = Workers(workers, cpus_per_worker, gpus_per_worker, address)
    counts = {"num_speakers": num_speakers, "min_speakers": min_speakers}
    counts["max_speakers"] = max_speakers
    make = functools.partial(_RecordingDiarizer, options, counts)
    if isinstance(recordings, str | os.PathLike):
        raise ArgumentError(f"`recordings` must be a list of paths, got {recordings!r}")
    if hasattr(recordings, "map_batches"):
        return map_dataset(start_ray(crew), cast("Dataset", recordings), make, crew)
    rows = [{"path": os.fspath(recording)} for recording in recordings]
    if not rows:
        raise ArgumentError("`recordings` must hold at least one path, got none")
    return map_rows(rows, make, crew)


class _RecordingDiarizer:
    """Diarization of a row; models are loaded with the first."""

    def __init__(self, options: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        self.options, self.counts = dict(options), dict(counts)
        self.diarizer: Diarizer | None = None

    def __call__(self, row: Row) -> Row:
        """Diarize; an error is a column of its row."""
        from diarspk.diarization.diarizer import EMBEDDED, Diarizer
        from diarspk.formats import write_rttm

        if self.diarizer is None:
            self.diarizer = Diarizer.load(**{"name": EMBEDDED, **self.options})
        done: Row = {**dict.fromkeys(COLUMNS, ""), "path": row["path"]}
        done |= {"uri": PurePosixPath(row["path"]).stem, "duration": 0.0, "speakers": 0}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", DiarspkWarning)
            try:
                result = self.diarizer(_open(row), **self.counts)
            except (DiarspkError, OSError) as error:
                done["error"] = " ".join(str(error).split())
            else:
                text = io.StringIO()
                write_rttm(result.annotation, text, confidence=result.confidence)
                done |= {"rttm": text.getvalue(), "duration": result.duration}
                done["speakers"] = len(result.annotation.labels())
        ours = [one for one in told if issubclass(one.category, DiarspkWarning)]
        done["warnings"] = " | ".join(str(one.message) for one in ours)
        return done


def _open(row: Row) -> Any:
    """Open the recording of a row under its file's name."""
    from dataclasses import replace

    from diarspk.audio import open_audio

    path, content = row["path"], row.get("bytes")
    if content is None and "://" not in path:
        return open_audio(path)
    if content is None:
        import fsspec

        with fsspec.open(path, "rb") as file:
            content = file.read()
    return replace(open_audio(io.BytesIO(content)), name=PurePosixPath(path).stem)


def write_rttm(dataset: Dataset, folder: str) -> list[str]:
    """Write the turns of each recording to a file ``NAME.rttm`` in a folder that fsspec knows.

    Returns
    -------
    list of str
        Errors of recordings that failed, one line each.

    Raises
    ------
    DiarspkError
        If a file cannot be written.
    """
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(folder)
    filesystem.makedirs(root, exist_ok=True)
    rows = sorted(dataset.iter_rows(), key=lambda row: row["path"])
    names = [row["path"] for row in rows if not row["error"]]
    short = _short_names(names)
    stems = file_stems(short.values())
    for row in rows:
        if not row["error"]:
            target = f"{root}/{stems[short[row['path']]]}.rttm"
            try:
                # Beside its place, then moved: nobody finds half of a file.
                filesystem.pipe_file(f"{target}.part", row["rttm"].encode())
                filesystem.mv(f"{target}.part", target)
            except OSError as error:
                raise DiarspkError(f"{target}: cannot be written ({error}); check it") from None
    return [f"{row['path']}: {row['error']}" for row in rows if row["error"]]


def _short_names(paths: Sequence[str]) -> dict[str, str]:
    """Name each path by its file, or by all of it where several files have one name."""
    counts = Counter(PurePosixPath(path).stem for path in paths)
    return {
        path: file.stem if counts[file.stem] == 1 else str(file.with_suffix(""))
        for path, file in ((path, PurePosixPath(path)) for path in paths)
    }
