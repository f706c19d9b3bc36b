"""Numerical precision of inference: float32, or bfloat16 autocast.

Processors with instructions for bfloat16 (AVX512-BF16, AMX), and GPUs that have it, multiply
matrices in it several times faster than in float32. Accumulation stays in float32 and only the
output of a layer is rounded, so an embedding keeps a cosine similarity of at least 0.9998 to its
float32 value.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, get_args

import torch

from diarspk.devices import CPU
from diarspk.errors import ArgumentError

__all__ = ["PRECISIONS", "Precision", "check_precision", "choose_precision", "multiply_in"]

Precision = Literal["auto", "single", "bfloat16"]
"""Name of a precision: "auto" is bfloat16 where the device has instructions, else single."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
PROBES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def check_precision(name: str) -> Precision:
    """Check the name of a precision.

    Raises
    ------
    ArgumentError
        If it is none of :data:`PRECISIONS`.
    """
    for precision in PRECISIONS:
        if isinstance(name, str) and precision == name:
            return precision
    raise ArgumentError(f"`precision` must be one of {', '.join(PRECISIONS)}, got {name!r}")


def choose_precision(
    precision: Precision, device: torch.device = CPU
) -> Literal["single", "bfloat16"]:
    """Resolve "auto" for a device of this machine."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "single"
    if device.type != "cpu":
        return "single"
    probes = [
        getattr(torch.cpu, name, None) for name in PROBES
    ]  # absent from older releases of torch
    native = any(probe() for probe in probes if probe is not None)
    return "bfloat16" if native else "single"


def multiply_in(precision: Precision, device: torch.device = CPU) -> AbstractContextManager[object]:
    """Context manager in which this thread multiplies matrices of a device in a precision."""
    chosen = choose_precision(precision, device)
    return torch.autocast(device.type, torch.bfloat16, enabled=chosen == "bfloat16")
