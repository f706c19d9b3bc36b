"""Devices that networks run on: the processor, or a GPU.

Results go back to the processor's memory as arrays, wherever they were computed.
"""

from __future__ import annotations

import torch
from torch import nn

from diarspk.errors import ArgumentError

__all__ = ["CPU", "DEVICE_KINDS", "choose_device", "device_of"]

DEVICE_KINDS = ("auto", "cpu", "cuda", "mps")
"""What a device may be called; a CUDA device has its number behind a colon: ``cuda:1``."""

CPU = torch.device("cpu")


def choose_device(name: str | torch.device) -> torch.device:
    """Find a device by name.

    Parameters
    ----------
    name : str or torch.device
        "cpu"; "cuda" or "cuda:1", an NVIDIA or AMD GPU; "mps", Apple's; or "auto", which is the
        first CUDA device where there is one, and the processor otherwise. Apple's must be asked
        for: nobody has measured that it helps.

    Raises
    ------
    ArgumentError
        If there is no such device here.
    """
    if isinstance(name, str) and name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else CPU
    device = _parse(name)
    if device.type == "cuda":
        return _check_cuda(device)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ArgumentError("`device` must be auto or cpu here, got 'mps': this is no Apple GPU")
    return device


def device_of(network: nn.Module) -> torch.device:
    """Find where the weights of a network are; one without weights is on the processor."""
    return next((value.device for value in network.parameters()), CPU)


def _parse(name: str | torch.device) -> torch.device:
    kind = name.partition(":")[0] if isinstance(name, str) else ""
    if isinstance(name, torch.device) or kind in DEVICE_KINDS:
        try:
            device = torch.device(name)
        except RuntimeError:  # a number that is none
            device = torch.device("meta")
        if device.type in DEVICE_KINDS:
            return device
    raise ArgumentError(
        f"`device` must be one of {', '.join(DEVICE_KINDS)}, or cuda:N, got {name!r}"
    )


def _check_cuda(device: torch.device) -> torch.device:
    if not torch.cuda.is_available():
        why = "PyTorch finds no CUDA device" if torch.version.cuda else "PyTorch was built without"
        raise ArgumentError(f"`device` must be auto or cpu here, got {str(device)!r}: {why}")
    number, count = device.index or 0, torch.cuda.device_count()
    if number >= count:
        names = ", ".join(f"cuda:{one}" for one in range(count))
        raise ArgumentError(f"`device` must be one of cpu, {names} here, got {str(device)!r}")
    return torch.device("cuda", number)
