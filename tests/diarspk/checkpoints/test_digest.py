"""Digests of files, arrays and weights."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diarspk.checkpoints.digest import digest_arrays, digest_file, digest_stream, digest_weights


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # more than one block
    file = tmp_path / "content"
    file.write_bytes(content)
    assert digest_file(file) == hashlib.sha256(content).hexdigest()
    assert digest_stream(io.BytesIO(content)) == digest_file(file)


def test_arrays_count_in_the_order_of_their_names() -> None:
    one, two = np.arange(6.0).reshape(2, 3), np.ones(3)
    assert digest_arrays({"a": one, "b": two}) == digest_arrays({"b": two, "a": one})
    assert digest_arrays({"a": one, "b": two}) != digest_arrays({"a": two, "b": one})
    assert digest_arrays({"a": np.asfortranarray(one)}) == digest_arrays({"a": one})
    assert digest_arrays({"a": one}, "header") != digest_arrays({"a": one})


def test_weights_and_buffers_count() -> None:
    network = nn.BatchNorm1d(4)
    before = digest_weights(network)
    assert digest_weights(nn.BatchNorm1d(4)) == before
    with torch.no_grad():
        network.running_mean.add_(1)
    assert digest_weights(network) != before
