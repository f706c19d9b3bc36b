"""Cost of a front end under an encoder: parameters, operations, time, memory, output shapes.

    python -m eval.speed.front_ends --seconds 10 --json frontends.json
    python -m eval.speed.front_ends --front-ends fbank wavlm_local=wavlm_large.pt --encoders \
        ecapa-c1024

A front-end is ``log-mel``, the architecture's own; what ``--front-end`` of the recipes takes, such
as fbank, hf:FOLDER or NAME_local=CHECKPOINT; or one of the networks below with random weights:
those cost what trained ones do, and tell nothing about accuracy. Each pair runs in a process of its
own, on a single thread. Times are those of the processor, so that other work on the machine
matters little, and ratios to the first pair. Operations are multiplications with additions of
matrix products and convolutions, per second of audio; those of a Fourier transform are not counted.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from diarspk.encoders import build_encoder
from diarspk.encoders.s3prl.compatibility import import_s3prl
from diarspk.encoders.s3prl.encoder import UpstreamArchitecture
from diarspk.encoders.upstreams import build_upstream_encoder
from diarspk.errors import ArgumentError, ModelError
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from eval.speed.random_front_ends import RANDOM, find_front_end

__all__ = ["LOG_MEL", "PairCost", "format_costs", "main", "measure", "measure_apart"]

LOG_MEL = "log-mel"
FRONT_ENDS = (LOG_MEL, "fbank", "mfcc", "wavlm-base", "hubert-base", "wav2vec2-base")
ENCODERS = ("x-vector", "ecapa-c512", "resnet34")
HEADER = (
    *("front-end", "encoder", "parameters", "trained", "MACs / s", "time / first", "peak MB"),
    *("frames", "embedding"),
)


@dataclass(frozen=True)
class PairCost:
    """A front-end and an encoder.

    Attributes
    ----------
    parameters, upstream_parameters : int
        All, and those of the front-end, which are not trained while it is frozen.
    operations : float
        Multiplications with additions per second of audio.
    real_time_factor : float
        Seconds of a processor per second of audio; the faster of two runs.
    peak_megabytes : float
        Memory of the process above what it held before the networks were built, in 10^6 bytes.
    frames, embedding : tuple of int
        Shapes of the encoder's outputs.
    """

    front_end: str
    encoder: str
    parameters: int
    upstream_parameters: int
    operations: float
    real_time_factor: float
    peak_megabytes: float
    frames: tuple[int, ...]
    embedding: tuple[int, ...]


def measure(front_end: str, encoder: str, seconds: float, folder: Path) -> PairCost:
    """Build a pair, embed noise twice, and count."""
    before = _peak_bytes()
    if front_end == LOG_MEL:
        built = build_encoder(encoder)
    else:
        config = find_front_end(front_end, folder)
        import_s3prl()
        before = _peak_bytes()
        built = build_upstream_encoder(config, encoder)
    audio = np.random.default_rng(0).normal(0, 0.1, round(seconds * built.sample_rate))
    times = []
    for _ in range(2):
        start = time.process_time()
        embedding = built.embed(audio.astype(np.float32), built.sample_rate)
        times.append(time.process_time() - start)
    peak = _peak_bytes()
    frames = built.encode_frames(audio.astype(np.float32), built.sample_rate)
    with FlopCounterMode(display=False) as counter:
        built.embed(audio.astype(np.float32), built.sample_rate)
    upstream = built.network.upstream if isinstance(built.network, UpstreamArchitecture) else None
    return PairCost(
        front_end,
        encoder,
        _count(built.network),
        0 if upstream is None else _count(upstream.network),
        counter.get_total_flops() / 2 / seconds,
        min(times) / seconds,
        (peak - before) / 1e6,
        frames.data.shape,
        embedding.shape,
    )


def _count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _peak_bytes() -> float:
    """Largest memory so far; on Linux that since the program began, not the parent's before it."""
    status = Path("/proc/self/status")
    if status.is_file() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return 1024 * float(found[1])
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def measure_apart(front_end: str, encoder: str, seconds: float, folder: Path) -> PairCost:
    """Measure in another process: its peak is that of this pair alone.

    Random weights are written here before, which takes as much memory as the network.
    """
    if front_end in RANDOM:
        find_front_end(front_end, folder)
    arguments = [front_end, encoder, "--seconds", str(seconds), "--folder", str(folder)]
    command = [sys.executable, "-m", "eval.speed.front_ends", "--pair", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        fault = (done.stderr.strip().splitlines() or ["no message"])[-1].removeprefix("error: ")
        raise ModelError(f"{front_end} under {encoder}: {fault}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for name in ("frames", "embedding"):
        found[name] = tuple(found[name])
    return PairCost(**found)


def format_costs(costs: Sequence[PairCost]) -> str:
    rows = [
        (
            cost.front_end,
            cost.encoder,
            f"{cost.parameters / 1e6:.2f} M",
            f"{(cost.parameters - cost.upstream_parameters) / 1e6:.2f} M",
            f"{cost.operations / 1e9:.2f} G",
            f"{cost.real_time_factor / costs[0].real_time_factor:.2f}",
            f"{cost.peak_megabytes:.0f}",
            " x ".join(map(str, cost.frames)),
            str(cost.embedding[0]),
        )
        for cost in costs
    ]
    return markdown_table(HEADER, rows)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    front_ends: tuple[str, ...] = FRONT_ENDS
    """log-mel, names of --front-end of the recipes, or one with random weights."""
    encoders: tuple[str, ...] = ENCODERS
    """Architectures of the encoders."""
    seconds: float = 10.0
    """Length of the audio."""
    pair: tuple[str, str] | None = None
    """Measure this front-end and encoder only, in this process."""
    folder: Path = Path()
    """Folder of random weights, for --pair."""


@command
def main(settings: Settings) -> None:
    if settings.pair:
        torch.set_num_threads(1)
        front_end, encoder = settings.pair
        cost = measure(front_end, encoder, settings.seconds, settings.folder)
        print(json.dumps(asdict(cost)))
        return
    pairs = [(front, encoder) for front in settings.front_ends for encoder in settings.encoders]
    costs, failures = [], []
    with tempfile.TemporaryDirectory() as folder:
        for pair in follow(pairs, "measuring"):
            try:
                costs.append(measure_apart(*pair, settings.seconds, Path(folder)))
            except (ModelError, ArgumentError) as error:
                failures.append(str(error))
    print(format_costs(costs))
    for failure in failures:
        print(f"not compatible: {failure}")
    settings.report.write({"pairs": [asdict(cost) for cost in costs]})


if __name__ == "__main__":
    raise SystemExit(main())
