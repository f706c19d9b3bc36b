"""Nearest-neighbour libraries on vectors like those of speakers: time, recall, memory, size.

    python -m eval.verification.vector_search --entries 10000 100000 --json vector_search.json

Measures each library that is installed, by one thread, each in processes of its own. Times are of
the processor, so that other work on the machine counts little; waiting for the disk is left out.
Vectors are drawn from the two-covariance model (PLDA) that ships with the encoder, five of each
speaker, and queries are further vectors of some of them. The candidates of an index are compared
exactly, as a gallery does. Recall: the share of the ten nearest that is found; the first setting of
a library that reaches it counts.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from eval.command_line import command, one_of
from eval.report.cells import number_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.verification.drawn_vectors import NEIGHBOURS, write_vectors
from eval.verification.vector_indexes import INDEXES

__all__ = ["SearchCost", "main", "measure_index"]

CHANGED = 1000
"""Vectors that are added, and then removed."""

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "LANCE_CPU_THREADS",
    "TOKIO_WORKER_THREADS",
)


@dataclass(frozen=True)
class SearchCost:
    """Figures of one library at one size; None: not reached, not possible, or beyond the limit.

    Attributes
    ----------
    build_s, open_s, add_s, remove_s : float or None
        Processor seconds to build and write the index, to open it, and to add and remove a thousand
        vectors and write the change.
    exact_ms, near_ms : float or None
        Median processor milliseconds of a search with all, and with 99 %, of the ten nearest.
    recall : float
        Best recall, in [0, 1].
    disk_mb, memory_mb : float or None
        Of the files, and of the process that searches, beyond the vectors themselves.
    """

    index: str
    entries: int
    build_s: float | None = None
    open_s: float | None = None
    exact_ms: float | None = None
    near_ms: float | None = None
    recall: float | None = None
    add_s: float | None = None
    remove_s: float | None = None
    disk_mb: float | None = None
    memory_mb: float | None = None


def measure_index(name: str, vectors: Path, folder: Path, limit_s: float) -> SearchCost:
    """Build, search and change an index in processes of its own, each within ``limit_s``.

    Parameters
    ----------
    vectors : Path
        Folder of :func:`write_vectors`.
    folder : Path
        Empty folder for the index.
    """
    entries = len(np.load(vectors / "rows.npy", mmap_mode="r"))
    figures: dict[str, Any] = {}
    for step in (_build, _search, _add, _remove):
        found = _run(step, name, vectors, folder, limit_s)
        if found is None and step is _build:
            break
        figures |= found or {}
    return SearchCost(name, entries, **figures)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    entries: tuple[int, ...] = (10_000, 100_000)
    """Numbers of vectors."""
    indexes: tuple[Annotated[str, one_of(INDEXES)], ...] = tuple(INDEXES)
    """Indexes to measure, where their libraries are installed."""
    limit: float = 900.0
    """Seconds on the clock for each step, after which it is given up."""
    folder: Path | None = None
    """Where to make the indexes; none: a temporary folder."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    os.environ |= dict.fromkeys(THREAD_LIMITS, "1")
    costs = []
    for entries in settings.entries:
        with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
            write_vectors(Path(folder), entries)
            for name in settings.indexes:
                if not _is_installed(INDEXES[name].package):
                    print(f"{name}: {INDEXES[name].package} is not installed", file=sys.stderr)
                    continue
                own = Path(folder) / name.replace(" ", "-")
                own.mkdir()
                costs.append(measure_index(name, Path(folder), own, settings.limit))
                print(costs[-1], file=sys.stderr)
    print(_table(costs))
    packages = {index.package for index in INDEXES.values() if _is_installed(index.package)}
    versions = {name: metadata.version(name) for name in sorted(packages - {""})}
    settings.report.write({"libraries": versions, "results": [asdict(cost) for cost in costs]})


def _build(name: str, vectors: Path, folder: Path) -> dict[str, float]:
    rows = np.load(vectors / "rows.npy")
    numbers = np.arange(len(rows), dtype=np.int64)
    taken = _timed(lambda: INDEXES[name].build(folder, numbers, rows))
    return {"build_s": taken, "disk_mb": _megabytes(folder)}


def _search(name: str, vectors: Path, folder: Path) -> dict[str, float]:
    """Open the index, then search with ever more effort until all of the nearest are found."""
    rows = np.load(vectors / "rows.npy", mmap_mode="r")
    queries, nearest = (np.load(vectors / f"{part}.npy") for part in ("queries", "nearest"))
    index, before = INDEXES[name], _memory()
    figures = {"open_s": _timed(lambda: index.open(folder)), "recall": 0.0}
    for effort in index.efforts:
        index.candidates(queries[0], effort)  # the first search of an effort may read files
        taken, found = [], []
        for query, wanted in zip(queries, nearest, strict=True):
            start = time.process_time()
            near = index.candidates(query, effort)
            best = near[np.argsort(-(rows[near] @ query), kind="stable")[:NEIGHBOURS]]
            taken.append(1000 * (time.process_time() - start))
            found.append(len(set(best.tolist()) & set(wanted.tolist())) / NEIGHBOURS)
        recall, median = float(np.mean(found)), float(np.median(taken))
        figures["recall"] = max(recall, figures["recall"])
        if recall >= 0.99:
            figures.setdefault("near_ms", median)
        if recall == 1.0:
            figures["exact_ms"] = median
            break
    return {**figures, "memory_mb": _memory() - before}


def _add(name: str, vectors: Path, folder: Path) -> dict[str, float]:
    rows = np.load(vectors / "rows.npy", mmap_mode="r")
    numbers = np.arange(len(rows), len(rows) + CHANGED, dtype=np.int64)
    index = INDEXES[name]
    index.open(folder)
    more = np.resize(rows[: min(CHANGED, len(rows))], (CHANGED, rows.shape[1]))
    return {"add_s": _timed(lambda: index.add(numbers, more))}


def _remove(name: str, vectors: Path, folder: Path) -> dict[str, float]:
    index = INDEXES[name]
    index.open(folder)
    return {"remove_s": _timed(lambda: index.remove(np.arange(CHANGED, dtype=np.int64)))}


Step = Callable[[str, Path, Path], dict[str, float]]


def _run(
    step: Step, name: str, vectors: Path, folder: Path, limit_s: float
) -> dict[str, float] | None:
    """Run a step in a new process; None if it fails or takes too long."""
    context = multiprocessing.get_context("spawn")
    answer, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, step, name, vectors, folder))
    process.start()
    sender.close()
    try:
        return answer.recv() if answer.poll(limit_s) else None
    except EOFError:  # it raised, or crashed
        return None
    finally:
        process.kill()
        process.join()


def _send(sender: Any, step: Step, name: str, vectors: Path, folder: Path) -> None:
    sender.send(step(name, vectors, folder))


def _timed(action: Callable[[], None]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _memory() -> float:
    """Megabytes that this process holds; 0 where the system does not tell as Linux does."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 / 1e6 if status.is_file() else 0.0


def _is_installed(package: str) -> bool:
    try:
        return not package or bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _table(costs: Sequence[SearchCost]) -> str:
    columns = {
        "build_s": ("build s", 1.0, 1),
        "open_s": ("open s", 1.0, 2),
        "exact_ms": ("ms at 100 %", 1.0, 1),
        "near_ms": ("ms at 99 %", 1.0, 1),
        "recall": ("best recall %", 100.0, 1),
        "add_s": ("add 1000 s", 1.0, 2),
        "remove_s": ("remove 1000 s", 1.0, 2),
        "disk_mb": ("disk MB", 1.0, 1),
        "memory_mb": ("memory MB", 1.0, 0),
    }
    rows = [[cost.index, f"{cost.entries}"] for cost in costs]
    for cost, row in zip(costs, rows, strict=True):
        for field, (_, factor, digits) in columns.items():
            value = getattr(cost, field)
            row.append(number_cell(None if value is None else factor * value, digits))
    return markdown_table(["index", "vectors", *(title for title, _, _ in columns.values())], rows)


if __name__ == "__main__":
    raise SystemExit(main())
