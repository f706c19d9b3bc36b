"""Speed of PyTorch and onnxruntime on the same encoder, and how far their embeddings lie apart.

    python -m eval.speed.onnx --encoders local-tdnn resnet34 ecapa-c512 campplus --seconds 10

A model is one that ``diarspk models`` lists (architectures are run with random weights: that
changes no speed) or the path of a checkpoint. Engines take turns, so that a load on the machine
strikes both; the ratio is that of the medians.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
import torch

from diarspk import SpeakerEncoder, load_encoder
from diarspk.encoders import ARCHITECTURES, build_encoder
from diarspk.encoders.onnx import ENGINES, with_engine
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["EngineSpeed", "find_encoder", "main", "measure"]


@dataclass(frozen=True)
class EngineSpeed:
    """One encoder under PyTorch and onnxruntime.

    Attributes
    ----------
    torch_factor, onnx_factor : float
        Median seconds of computing per second of audio.
    difference : float
        Largest difference of any element of an embedding.
    """

    model: str
    torch_factor: float
    onnx_factor: float
    difference: float

    @property
    def ratio(self) -> float:
        """Time of PyTorch over that of onnxruntime."""
        return self.torch_factor / self.onnx_factor


def find_encoder(name: str) -> SpeakerEncoder:
    """Load a model, or build an architecture with random weights."""
    if name in ARCHITECTURES:
        return build_encoder(name)
    return load_encoder(name)


def measure(name: str, seconds: float, repeats: int, threads: int) -> EngineSpeed:
    """Embed the same noise with each engine in turn, after one run to warm up."""
    encoder = find_encoder(name)
    runtimes = [with_engine(encoder, engine, threads=threads) for engine in ENGINES]
    rate = encoder.sample_rate
    audio = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
    vectors = [engine.embed(audio, rate) for engine in runtimes]
    times: list[list[float]] = [[] for _ in runtimes]
    for _ in range(repeats):
        for engine, spent in zip(runtimes, times, strict=True):
            start = time.perf_counter()
            engine.embed(audio, rate)
            spent.append(time.perf_counter() - start)
    torch_factor, onnx_factor = (median(spent) / seconds for spent in times)
    difference = float(np.abs(vectors[0] - vectors[1]).max())
    return EngineSpeed(name, torch_factor, onnx_factor, difference)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    encoders: tuple[str, ...] = ("local-tdnn", "resnet34", "ecapa-c512", "campplus")
    """Architectures, or names and paths of encoders."""
    seconds: float = 10.0
    """Length of the audio."""
    repeats: int = 5
    """Number of runs, whose median counts."""
    threads: int = 1
    """Number of threads of each engine."""


@command
def main(settings: Settings) -> None:
    torch.set_num_threads(settings.threads)
    found = [
        measure(name, settings.seconds, settings.repeats, settings.threads)
        for name in settings.encoders
    ]
    header = ("model", "torch RTF", "onnx RTF", "torch / onnx", "largest difference")
    rows = [
        (
            item.model,
            f"{item.torch_factor:.4f}",
            f"{item.onnx_factor:.4f}",
            f"{item.ratio:.2f}",
            f"{item.difference:.1e}",
        )
        for item in found
    ]
    print(markdown_table(header, rows))
    figures = [{**asdict(item), "ratio": item.ratio} for item in found]
    settings.report.write({"engines": figures})


if __name__ == "__main__":
    raise SystemExit(main())
