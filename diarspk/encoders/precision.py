"""In which precision the large matrices of a pass over a recording are multiplied.

Processors with instructions for bfloat16 (AVX512-BF16, AMX) multiply it several times faster than
single precision. Products are summed in single precision, and only what a layer gives out is
rounded: an embedding then has a cosine of 0.9998 and more to the one of single precision.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, get_args

import torch

from diarspk.errors import ArgumentError

__all__ = ["PRECISIONS", "Precision", "check_precision", "choose_precision", "multiply_in"]

Precision = Literal["auto", "single", "bfloat16"]
"""``auto`` is bfloat16 where the processor has instructions for it, and single elsewhere."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
PROBES = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def check_precision(name: str) -> Precision:
    """Precision of a name.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    for precision in PRECISIONS:
        if precision == name:
            return precision
    raise ArgumentError(f"`precision` must be one of {', '.join(PRECISIONS)}, got {name!r}")


def choose_precision(precision: Precision) -> Literal["single", "bfloat16"]:
    """Say what ``auto`` is on this processor; another precision is what it is."""
    if precision != "auto":
        return precision
    probes = [getattr(torch.cpu, name, None) for name in PROBES]  # each since some release
    native = any(probe() for probe in probes if probe is not None)
    return "bfloat16" if native else "single"


def multiply_in(precision: Precision) -> AbstractContextManager[object]:
    """Multiply matrices in that precision inside of a ``with``, in this thread alone."""
    chosen = choose_precision(precision)
    return torch.autocast("cpu", torch.bfloat16, enabled=chosen == "bfloat16")
