"""Parameters and multiply-accumulate operations of extraction networks.

python -m tse.models.complexity
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from diarspk.audio import SAMPLE_RATE
from tse.cues import Cue
from tse.models.architectures import ARCHITECTURES, build_network
from tse.models.cross_attention import CrossAttentionConfig
from tse.models.network import ExtractionNetwork

__all__ = ["Complexity", "main", "measure_complexity"]


@dataclass(frozen=True)
class Complexity:
    """Size and cost of a network.

    Attributes
    ----------
    parameters : int
        Number of parameters.
    macs_per_second : float
        Multiply-accumulate operations per second of mixture, with an enrolment of four seconds:
        matrix products, convolutions and recurrences, without Fourier transforms and elementwise
        operations.
    latency_ms : float
        Algorithmic latency in a stream; infinite unless the network is causal.
    """

    parameters: int
    macs_per_second: float
    latency_ms: float


def measure_complexity(network: ExtractionNetwork, *, seconds: float = 1.0) -> Complexity:
    """Count the parameters and operations of a network on ``seconds`` of noise."""
    time = round(seconds * SAMPLE_RATE)
    sizes = network.reader.config
    needs_enrolment = not (sizes.vector_size or sizes.sequence_size) or getattr(
        network.config, "spectral_map", False
    )
    cue = Cue(
        torch.randn(1, sizes.vector_size) if sizes.vector_size else None,
        torch.randn(1, 100, sizes.sequence_size) if sizes.sequence_size else None,
        enrolment=torch.randn(1, 4 * SAMPLE_RATE) if needs_enrolment else None,
    )
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), _lstm_operations(network) as recurrent, counter:
        network(torch.randn(1, time), cue)
    macs = counter.get_total_flops() / 2 + sum(recurrent)
    latency = 1000 * network.framing.window_samples / SAMPLE_RATE
    return Complexity(
        sum(p.numel() for p in network.parameters()),
        macs / seconds,
        latency if network.causal else torch.inf,
    )


@contextmanager
def _lstm_operations(network: nn.Module) -> Iterator[list[float]]:
    """Count the operations of LSTMs, of whose kernel PyTorch's counter sees nothing."""
    counts: list[float] = []

    def count(layer: nn.LSTM, inputs: tuple[Any, ...], output: object) -> None:
        x: Tensor = inputs[0]
        passes = 2 if layer.bidirectional else 1
        gates = 4 * layer.hidden_size * (layer.input_size + layer.hidden_size)
        counts.append(float(x.shape[0] * x.shape[1] * passes * gates))

    lstms = [layer for layer in network.modules() if isinstance(layer, nn.LSTM)]
    handles = [layer.register_forward_hook(count) for layer in lstms]
    try:
        yield counts
    finally:
        for handle in handles:
            handle.remove()


def main() -> None:
    """Print a Markdown table of all named configurations."""
    argparse.ArgumentParser(description="Print a Markdown table of sizes and costs.").parse_args()
    print("| architecture | parameters | MB (half) | MMAC/s | latency ms |")
    print("|:--|--:|--:|--:|--:|")
    for name, config in ARCHITECTURES.items():
        torch.manual_seed(0)
        cost = measure_complexity(build_network(config).eval())
        attention = " (no speaker encoder)" if isinstance(config, CrossAttentionConfig) else ""
        print(
            f"| {name}{attention} | {cost.parameters:,} | {2e-6 * cost.parameters:.1f} | "
            f"{cost.macs_per_second / 1e6:,.0f} | {cost.latency_ms:.0f} |"
        )


if __name__ == "__main__":
    main()
