"""Search time and recall of a gallery of synthetic voices.

    python -m eval.verification.gallery --entries 1 50000 1000000 --json gallery.json

Vectors scatter around one centroid per speaker. Recall: the share of the ten nearest references by
the exact scan that a search finds too; and of those among them that are of the nearest one's
speaker. A speaker has five; the others of the ten have random directions, nearly equally far, which
is the hardest case there is for an index.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.space import Space
from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.gallery import Gallery, Match, create_gallery, open_gallery
from diarspk.verification.gallery.database import Database
from diarspk.verification.gallery.opening import FILE_NAME
from diarspk.verification.gallery.rows import nearest, read_blocks
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["GalleryCost", "main", "measure_gallery", "synthetic_voices"]

NEIGHBOURS = 10
REFERENCES = 5
SCATTER = 0.7
BLOCK = 5000
SPACE = "synthetic"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class GalleryCost:
    """Time and recall of a gallery of one size.

    Attributes
    ----------
    enroll_s, first_s, open_s : float
        Seconds to enroll everything in blocks, of the first search, which builds the index of a
        large gallery, and of the first after the gallery has been opened again.
    scan_ms, search_ms, identify_ms : float
        Median milliseconds of a search that reads all references, as one without the index does,
        of a search, and of an identification.
    recall, own_recall : float
        In [0, 1]: of the ten nearest, and of the speaker's own among them.
    megabytes : float
        On disk, the index included.
    """

    entries: int
    enroll_s: float
    first_s: float
    open_s: float
    scan_ms: float
    search_ms: float
    identify_ms: float
    recall: float
    own_recall: float
    megabytes: float


def synthetic_voices(
    entries: int, dimension: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Draw unit vectors ``(entries, dim)``, five around each speaker's centroid, in turn."""
    people = -(-entries // REFERENCES)
    centres = np.repeat(random.normal(size=(people, dimension)), REFERENCES, axis=0)[:entries]
    rows = centres + SCATTER * random.normal(size=centres.shape)
    return normalize_rows(rows).astype(np.float32)


def measure_gallery(
    folder: Path, entries: int, *, dimension: int = 192, queries: int = 50, seed: int = 0
) -> GalleryCost:
    """Fill a gallery, search it exactly, index it, and search again."""
    random = np.random.default_rng(seed)
    space = Space(SPACE, dimension)
    with create_gallery(folder, space) as gallery:
        start = time.perf_counter()
        probes = _fill(gallery, entries, dimension, random)[:queries]
        enroll_s = time.perf_counter() - start
        first_s = _timed(lambda row: _ask(gallery, row), probes[:1])[1] / 1000
    with open_gallery(folder) as gallery:
        open_s = _timed(lambda row: _ask(gallery, row), probes[:1])[1] / 1000
        found, search_ms = _timed(lambda row: _ask(gallery, row), probes)
        _, identify_ms = _timed(
            lambda row: gallery.identify(row, fingerprint=SPACE, threshold=0.5), probes
        )
    exact, scan_ms = _scan(folder, space, probes)
    own = [[match for match in nearest if match.speaker == nearest[0].speaker] for nearest in exact]
    size = sum(file.stat().st_size for file in folder.rglob("*")) / 1e6
    return GalleryCost(
        entries,
        enroll_s,
        first_s,
        open_s,
        scan_ms,
        search_ms,
        identify_ms,
        _recall(exact, found),
        _recall(own, found),
        size,
    )


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    entries: tuple[int, ...] = (1, 50_000, 1_000_000)
    """Numbers of references."""
    dimension: int = 192
    """Of the vectors."""
    queries: int = 50
    """Number of searches."""
    folder: Path | None = None
    """Where to make the galleries; none: a temporary folder."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    costs = []
    for entries in settings.entries:
        with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
            sizes = {"dimension": settings.dimension, "queries": settings.queries}
            costs.append(measure_gallery(Path(folder) / "gallery", entries, **sizes))
        print(costs[-1], file=sys.stderr)
    header = ["entries", "enroll s", "first s", "opened s", "scan ms", "search ms", "identify ms"]
    header += ["recall %", "of own %"]
    rows = [
        [
            f"{cost.entries}",
            f"{cost.enroll_s:.2f}",
            f"{cost.first_s:.2f}",
            f"{cost.open_s:.2f}",
            f"{cost.scan_ms:.2f}",
            f"{cost.search_ms:.2f}",
            f"{cost.identify_ms:.2f}",
            f"{100 * cost.recall:.1f}",
            f"{100 * cost.own_recall:.1f}",
        ]
        for cost in costs
    ]
    print(markdown_table(header, rows))
    settings.report.write({"results": [asdict(cost) for cost in costs]})


def _fill(
    gallery: Gallery, entries: int, dimension: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Enrol in blocks, as an import does: probes near some of the references."""
    probes = []
    for first in range(0, entries, BLOCK):
        rows = synthetic_voices(min(BLOCK, entries - first), dimension, random)
        names = (f"person {(first + number) // REFERENCES}" for number in range(len(rows)))
        gallery.enroll_many(zip(names, rows, strict=True), fingerprint=SPACE)
        near = rows[random.integers(len(rows), size=50)]
        probes.append(near + 0.3 / np.sqrt(dimension) * random.normal(size=near.shape))
    return random.permutation(np.concatenate(probes)).astype(np.float32)


def _ask(gallery: Gallery, row: NDArray[np.float32]) -> list[Match]:
    return gallery.search(row, fingerprint=SPACE, limit=NEIGHBOURS)


def _scan(
    folder: Path, space: Space, probes: NDArray[np.float32]
) -> tuple[list[list[Match]], float]:
    """Search by reading every reference from the disk."""
    with closing(Database(folder / FILE_NAME)) as database, database.reading() as connection:
        return _timed(
            lambda row: nearest(
                connection, row / np.linalg.norm(row), read_blocks(connection, space), NEIGHBOURS
            ),
            probes,
        )


def _recall(wanted: Sequence[Sequence[Match]], found: Sequence[Sequence[Match]]) -> float:
    """Mean share of the wanted entries that are found."""
    shares = []
    for ours, theirs in zip(wanted, found, strict=True):
        entries = {match.entry for match in ours}
        shares.append(len(entries & {match.entry for match in theirs}) / len(entries))
    return float(np.mean(shares))


def _timed(
    ask: Callable[[NDArray[np.float32]], Answer], probes: NDArray[np.float32]
) -> tuple[list[Answer], float]:
    answers, taken = [], []
    for row in probes:
        start = time.perf_counter()
        answers.append(ask(row))
        taken.append(time.perf_counter() - start)
    return answers, 1000 * float(np.median(taken))


if __name__ == "__main__":
    raise SystemExit(main())
