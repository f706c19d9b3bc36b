"""Diarization on a cluster, by Ray: one actor per worker, which loads the models once.

::

    import diarspk.cluster

    turns = diarspk.cluster.diarize(["s3://meetings/a.wav", "s3://meetings/b.wav"], workers=8)
    turns.write_parquet("s3://meetings/turns")

Ray schedules, holds recordings back while workers are busy, and starts a worker that died anew with
the recording that it was at. Without a cluster it starts on this machine. It needs the extra
``ray``. No usage statistics are sent: Ray's are switched off before it starts.
"""

from __future__ import annotations

import functools
import io
import logging
import math
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from diarspk.arguments import check_number
from diarspk.errors import ArgumentError, DiarspkError, DiarspkWarning, ModelError
from diarspk.file_names import file_stems

if TYPE_CHECKING:
    from ray.data import Dataset

    from diarspk.diarization.diarizer import Diarizer

__all__ = ["COLUMNS", "LOCAL", "Workers", "diarize", "map_rows", "write_rttm"]

LOCAL = "local"
"""Address that stands for this machine."""

ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Variables of Ray, where the caller has not set them: no usage statistics, no log on stderr."""

COLUMNS = ("path", "uri", "rttm", "duration", "speakers", "warnings", "error")
"""Columns of a result: one row for each recording, with an empty ``error`` where it was done."""

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True)
class Workers:
    """Workers to run on, and where.

    Attributes
    ----------
    count : int
        Number of workers, each with models of its own.
    cpus : float
        Cores of each; PyTorch gets as many threads.
    gpus : float
        GPUs of each; a part of one lets several workers share it.
    address : str
        "local" for this machine, "auto" for the cluster that this machine belongs to, or the
        address of one, such as ``ray://head:10001``. Where Ray is running in this process already,
        that is used.
    """

    count: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    address: str = LOCAL

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_number(self.count, "count", minimum=1)
        check_number(self.cpus, "cpus", minimum=0.0)
        check_number(self.gpus, "gpus", minimum=0.0)


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
        return _map(_start(crew), cast("Dataset", recordings), make, crew)
    rows = [{"path": os.fspath(recording)} for recording in recordings]
    if not rows:
        raise ArgumentError("`recordings` must hold at least one path, got none")
    return map_rows(rows, make, crew)


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


def map_rows(
    rows: Iterable[Mapping[str, Any]], make: Callable[[], Callable[[Row], Row]], workers: Workers
) -> Dataset:
    """Map rows by what `make` returns on each worker; it is called once there.

    Raises
    ------
    ModelError
        If Ray is not installed, or the address leads to no cluster.
    """
    ray = _start(workers)
    # Many small blocks: a worker that dies costs the recording that it was at.
    items = list(rows)
    dataset = ray.data.from_items(items, override_num_blocks=len(items))
    return _map(ray, dataset, make, workers)


def _map(
    ray: Any, dataset: Dataset, make: Callable[[], Callable[[Row], Row]], workers: Workers
) -> Dataset:
    actor: Any = _Actor  # Ray takes a class where its types want a function
    return dataset.map(
        actor,
        fn_constructor_args=(make, workers.cpus),
        compute=ray.data.ActorPoolStrategy(size=workers.count),
        num_cpus=workers.cpus,
        num_gpus=workers.gpus or None,
    )


def _start(workers: Workers) -> Any:
    """Connect to the cluster, or start one of this machine."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        raise ModelError("Ray is not installed; pip install 'diarspk[ray]'") from None
    if not ray.is_initialized():
        local: dict[str, Any] = {}
        if workers.address == LOCAL:
            # As many cores as the workers ask for, or Ray would wait for them for ever.
            cores = max(math.ceil(workers.count * workers.cpus) + 1, os.cpu_count() or 1)
            local = {"num_cpus": cores, "include_dashboard": False}
        try:
            ray.init(
                address=None if workers.address == LOCAL else workers.address,
                logging_level=logging.ERROR,
                log_to_driver=False,
                **local,
            )
        except (ConnectionError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"{workers.address}: no Ray cluster there ({reason}); check the address, or give "
                "'local'"
            ) from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.enable_progress_bars and sys.stderr.isatty()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


class _Actor:
    """What runs on a worker."""

    def __init__(self, make: Callable[[], Callable[[Row], Row]], cpus: float) -> None:
        import torch

        torch.set_num_threads(max(int(cpus), 1))
        self.process = make()

    def __call__(self, row: Row) -> Row:
        return self.process(row)


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
