"""What a step of the trunk costs, with the states of its layers kept and without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.trunk_stream import TrunkStream
from diarspk.encoders.precision import Precision, multiply_in
from diarspk.streaming.latency import LatencyPlan
from eval.report.markdown import markdown_table

__all__ = ["trunk_table"]

ROUNDS = 15
"""Steps of each kind, one after the other in turn, so that other work disturbs both alike."""


def trunk_table(
    trunk: LocalEncoder, precision: Precision, latencies: tuple[float, ...], rounds: int = ROUNDS
) -> str:
    """Time a step at each latency: kept states, and all that changes with its context again.

    Without kept states, a step computes its new frames, those before them that convolutions reach
    from them, and as many before these.
    """
    network = trunk.network.trunk
    stride, reach = network.config.stride, network.config.convolution_context
    generator = torch.Generator().manual_seed(0)
    rows = []
    for latency in latencies:
        step = LatencyPlan.of(latency, trunk.frame_hop).step
        frames = stride * (step + 2 * reach)
        features = 2 * torch.randn(1, frames, network.config.mels, generator=generator) - 3
        stream = TrunkStream(network)
        with torch.inference_mode(), multiply_in(precision):
            stream.push(features)
            kept, again = [], []
            for _ in range(rounds):
                kept.append(_seconds(stream.push, features[:, : stride * step]))
                again.append(_seconds(network, features))
        one, other = 1000 * statistics.median(kept), 1000 * statistics.median(again)
        rows.append([f"{latency:g}", f"{other:.1f}", f"{one:.1f}", f"{one / other:.2f}"])
    header = ["latency s", "step of the trunk, computed again, ms", "states kept, ms", "ratio"]
    return markdown_table(header, rows)


def _seconds(run: Callable[[Tensor], object], features: Tensor) -> float:
    """Processor seconds of a call."""
    begun = time.process_time()
    run(features)
    return time.process_time() - begun
