"""Time and peak memory of every clusterer on sessions of growing length.

    python -m eval.clustering --sizes 1000 10000 50000 200000 --json clustering.json

Every measurement is a process of its own on made-up embeddings: speakers who take turns, and pairs
of windows that cannot be one speaker.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clustering import number_by_appearance
from diarspk.clustering.plda import Plda
from eval.clustering.clusterers import CLUSTERERS, make_clusterer
from eval.report.report import describe_run, markdown_table, write_json

__all__ = ["Cost", "main", "make_session", "measure"]

HEADER = ("clusterer", "embeddings", "seconds", "memory MB", "MB less input", "speakers", "pure %")
DIMENSION, SPEAKERS, TURN = 192, 8, 12
NOISE = 0.5
THRESHOLD = 0.7


@dataclass(frozen=True)
class Cost:
    """One clusterer on one session.

    Attributes
    ----------
    seconds : float
        Wall-clock, of clustering alone; None where it took longer than allowed, or failed.
    megabytes, own_megabytes : float
        Largest resident memory of the process in 10^6 bytes, and what of it clustering added.
    speakers : int
        Found, of eight.
    purity : float
        Share of windows that are with the speaker most of their cluster are.
    """

    clusterer: str
    embeddings: int
    seconds: float | None
    megabytes: float = 0.0
    own_megabytes: float = 0.0
    speakers: int = 0
    purity: float = 0.0


def make_session(
    count: int, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Embeddings ``(count, 192)``, who speaks, and cannot-link pairs of neighbours."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(SPEAKERS, DIMENSION)).astype(np.float32)
    turns = rng.integers(SPEAKERS, size=-(-count // TURN))
    truth = number_by_appearance(np.repeat(turns, TURN)[:count].astype(np.int64))
    embeddings = NOISE * rng.standard_normal((count, DIMENSION), np.float32)
    embeddings += directions[truth]
    changes = np.flatnonzero(truth[1:] != truth[:-1])
    return embeddings, truth, np.stack([changes, changes + 1], axis=1)


def measure(name: str, count: int, *, limit_s: float = 600.0) -> Cost:
    """Run one clusterer in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "eval.clustering",
        "--one",
        name,
        "--sizes",
        str(count),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return Cost(name, count, None)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return Cost(name, count, None)
    return Cost(**json.loads(done.stdout))


def run_one(name: str, count: int) -> Cost:
    """Cluster in this process."""
    embeddings, truth, pairs = make_session(count)
    clusterer = make_clusterer(name, THRESHOLD, _made_up_plda())
    clusterer(embeddings[:200])  # what is imported on first use is no part of the figures
    before = _peak_megabytes()
    start = time.perf_counter()
    labels = clusterer(embeddings, cannot_link=pairs, max_speakers=20)
    seconds = time.perf_counter() - start
    table = np.zeros((labels.max() + 1, truth.max() + 1))
    np.add.at(table, (labels, truth), 1)
    peak = _peak_megabytes()
    purity = float(table.max(axis=1).sum() / count)
    return Cost(name, count, seconds, peak, peak - before, len(table), purity)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every measurement ended in time."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        print(json.dumps(asdict(run_one(options.one, options.sizes[0]))))
        return 0
    costs = []
    for cost in _measure_all(options.clusterers, options.sizes, options.limit):
        costs.append(cost)
        print(f"{cost.clusterer} {cost.embeddings}: {_seconds(cost)} s", file=sys.stderr)
    print(markdown_table(HEADER, [_row(cost) for cost in costs]))
    if options.json is not None:
        report = {"limit_s": options.limit, "results": [asdict(cost) for cost in costs]}
        write_json({**describe_run(), **report}, options.json)
    return 0 if all(cost.seconds is not None for cost in costs) else 1


def _measure_all(names: Sequence[str], sizes: Sequence[int], limit_s: float) -> Iterator[Cost]:
    for name in names:
        for count in sizes:
            yield measure(name, count, limit_s=limit_s)


def _made_up_plda() -> Plda:
    """Make a PLDA that fits the made-up speakers: all directions are alike."""
    zero, between = np.zeros(DIMENSION), np.full(DIMENSION, NOISE**-2)
    scale = np.sqrt(1 + NOISE**2) / NOISE  # the noise left by length normalisation becomes 1
    return Plda(zero, zero, scale * np.eye(DIMENSION), between)


def _peak_megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _row(cost: Cost) -> list[str]:
    if cost.seconds is None:
        return [cost.clusterer, str(cost.embeddings), *["-"] * 5]
    figures = (f"{cost.megabytes:.0f}", f"{cost.own_megabytes:.0f}", str(cost.speakers))
    purity = f"{100 * cost.purity:.1f}"
    return [cost.clusterer, str(cost.embeddings), _seconds(cost), *figures, purity]


def _seconds(cost: Cost) -> str:
    return "-" if cost.seconds is None else f"{cost.seconds:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.clustering", description=__doc__)
    add = parser.add_argument
    sizes = [1000, 10_000, 50_000, 200_000]
    add("--sizes", type=int, nargs="+", default=sizes, metavar="N", help="embeddings")
    add("--clusterers", nargs="+", default=list(CLUSTERERS), choices=CLUSTERERS, metavar="NAME")
    add("--limit", type=float, default=600.0, metavar="SECONDS", help="longest measurement")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    add("--one", choices=CLUSTERERS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
