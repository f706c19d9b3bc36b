"""Processor time of a push to a live extractor, beside the time that was pushed.

    python -m eval.extraction.push_time --extractor CARD --pieces 0.02 0.1 1

Noise is pushed in pieces of some lengths to sessions of some latencies; what is told is processor
time over the length of a piece, in the median and at the 95th percentile. ``--detect`` counts what
finding out when the voice talks adds. ``--extractor`` is a name
or card of a causal extractor, or ``untrained`` for the network of the embedded one with random
weights, which takes as long.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import torch

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from tse.cue_sources import make_cue_source
from tse.extractor import Extractor
from tse.loading import CAUSAL, load_extractor
from tse.models import ARCHITECTURES, build_network
from tse.streaming_extractor import StreamingExtractor

__all__ = ["PushTime", "main", "measure_pushes"]

ENROLMENT_S = 5.0
FIRST = 3
"""Pushes that are not counted: the first ones make room."""


@dataclass(frozen=True)
class PushTime:
    """Real-time factors of the pushes of a session.

    Attributes
    ----------
    piece_s : float
        Seconds pushed at a time.
    latency_s : float
        Algorithmic latency.
    median, percentile_95 : float
        Processor time of a push over the seconds pushed.
    overall : float
        Processor time of all over all seconds.
    """

    piece_s: float
    latency_s: float
    median: float
    percentile_95: float
    overall: float


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    extractor: str = CAUSAL
    """Name or card of a causal extractor, or `untrained`."""
    pieces: tuple[float, ...] = (0.02, 0.1, 1.0)
    """Seconds pushed at a time."""
    latencies: tuple[float, ...] = (0.04, 0.1)
    """Latencies of the session."""
    seconds: float = 10.0
    """Length of a session."""
    detect: bool = False
    """Find out when the voice talks, too."""
    threads: int = 1
    """Threads of PyTorch."""


@command
def main(settings: Settings) -> None:
    torch.set_num_threads(settings.threads)
    extractor = read_extractor(settings.extractor)
    diarizer = Diarizer() if settings.detect else None
    times = [
        measure_pushes(extractor, piece_s, latency_s, settings.seconds, diarizer)
        for latency_s, piece_s in product(settings.latencies, settings.pieces)
    ]
    rows = [
        [
            f"{1000 * one.latency_s:.0f}",
            f"{one.piece_s:g}",
            *(f"{factor:.3f}" for factor in (one.median, one.percentile_95, one.overall)),
        ]
        for one in times
    ]
    header = ("latency ms", "piece s", "real-time factor, median", "95th percentile", "overall")
    print(markdown_table(header, rows))
    settings.report.write({"pushes": [asdict(one) for one in times]})


def read_extractor(name: str) -> Extractor:
    """Load an extractor, or make one with random weights."""
    if name != "untrained":
        return load_extractor(name)
    torch.manual_seed(0)
    network = build_network(ARCHITECTURES[CAUSAL]).eval().requires_grad_(False)
    return Extractor(network, make_cue_source("utterance+map", diarspk.load_encoder()))


def measure_pushes(
    extractor: Extractor,
    piece_s: float,
    latency_s: float,
    seconds: float,
    diarizer: Diarizer | None = None,
) -> PushTime:
    """Push so many seconds of noise in pieces of one length."""
    generator = np.random.default_rng(0)
    enrolment = generator.normal(0, 0.1, round(ENROLMENT_S * SAMPLE_RATE)).astype(np.float32)
    stream = StreamingExtractor(
        extractor.cue(enrolment, SAMPLE_RATE),
        SAMPLE_RATE,
        extractor=extractor,
        latency_s=latency_s,
        diarizer=diarizer,
    )
    length, factors = round(piece_s * SAMPLE_RATE), []
    for _ in range(max(round(seconds / piece_s), 1) + FIRST):
        piece = generator.normal(0, 0.1, length).astype(np.float32)
        start = time.process_time()
        stream.push(piece)
        factors.append((time.process_time() - start) / piece_s)
    counted: Any = factors[FIRST:]
    middle, high = np.percentile(counted, [50, 95])
    return PushTime(piece_s, stream.latency_s, float(middle), float(high), float(np.mean(counted)))


if __name__ == "__main__":
    raise SystemExit(main())
