"""Digests (SHA-256) of files, of arrays and of the weights of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

__all__ = ["digest_arrays", "digest_file", "digest_stream", "digest_weights"]

BLOCK_BYTES = 1 << 20


def digest_file(path: str | PathLike[str]) -> str:
    """Compute the digest of a file, read in blocks: 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return digest_stream(stream)


def digest_stream(stream: BinaryIO) -> str:
    """Compute the digest of a binary file object from its position on: 64 hexadecimal digits."""
    content = hashlib.sha256()
    while block := stream.read(BLOCK_BYTES):
        content.update(block)
    return content.hexdigest()


def digest_arrays(arrays: Mapping[str, NDArray[Any]], header: str = "") -> str:
    """Compute the digest of named arrays in the order of their names: 64 hexadecimal digits.

    Parameters
    ----------
    arrays
        Names and contents count, shapes do not.
    header
        Text that counts, too, such as the settings that belong to the arrays.
    """
    content = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        content.update(name.encode())
        content.update(np.ascontiguousarray(arrays[name]).tobytes())
    return content.hexdigest()


def digest_weights(network: nn.Module, header: str = "") -> str:
    """Compute the digest of a network's parameters and buffers; see :func:`digest_arrays`."""
    state = network.state_dict()
    return digest_arrays(
        {name: each.detach().cpu().numpy() for name, each in state.items()}, header
    )
