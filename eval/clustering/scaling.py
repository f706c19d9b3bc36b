"""Time and memory of clusterers over the number of embeddings."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.plda import Plda
from diarspk.clustering.weighted_points import number_by_appearance
from eval.clustering.clusterers import make_clusterer

__all__ = ["Cost", "make_session", "measure", "run_one"]

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
    centroids = rng.normal(size=(SPEAKERS, DIMENSION)).astype(np.float32)
    turns = rng.integers(SPEAKERS, size=-(-count // TURN))
    truth = number_by_appearance(np.repeat(turns, TURN)[:count].astype(np.int64))
    embeddings = NOISE * rng.standard_normal((count, DIMENSION), np.float32)
    embeddings += centroids[truth]
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


def _made_up_plda() -> Plda:
    """Make a PLDA that fits the made-up speakers: all centroids are alike."""
    zero, between = np.zeros(DIMENSION), np.full(DIMENSION, NOISE**-2)
    scale = np.sqrt(1 + NOISE**2) / NOISE  # the noise left by length normalisation becomes 1
    return Plda(zero, zero, scale * np.eye(DIMENSION), between)


def _peak_megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
