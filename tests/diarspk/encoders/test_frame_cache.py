"""Frames of a frozen front end, kept on the disk."""

from __future__ import annotations

import os

import pytest
import torch

from diarspk.encoders.frame_cache import GIGABYTE, FrameCache
from diarspk.errors import ArgumentError

FRAMES = torch.arange(60.0).reshape(3, 20)


def test_what_was_written_is_read(tmp_path):
    cache = FrameCache(tmp_path / "frames")
    key = cache.key(torch.ones(100), "front end")
    assert cache.read(key) is None
    cache.write(key, FRAMES)
    again = FrameCache(tmp_path / "frames")
    assert again.size == cache.size > 0
    found = again.read(key)
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float(), FRAMES)
    assert (cache.misses, again.hits) == (1, 1)


def test_keys_tell_audio_and_front_ends_apart(tmp_path):
    cache = FrameCache(tmp_path)
    audio = torch.randn(50, generator=torch.Generator().manual_seed(0))
    keys = {cache.key(audio, "a"), cache.key(audio, "b"), cache.key(audio[:49], "a")}
    keys.add(cache.key(-audio, "a"))
    assert len(keys) == 4
    assert cache.key(audio.double(), "a") == cache.key(audio, "a")


def test_the_longest_unused_are_removed(tmp_path):
    cache = FrameCache(tmp_path, 1000 / GIGABYTE)
    keys = [cache.key(torch.tensor([float(number)]), "") for number in range(6)]
    for number, key in enumerate(keys):
        cache.write(key, torch.zeros(50))  # 228 bytes each
        for path in tmp_path.glob(f"*/{key}.npy"):
            os.utime(path, ns=(number, number))
        if number == 2:
            assert cache.read(keys[0]) is not None  # used just now
    left = [key for key in keys if cache.read(key) is not None]
    assert keys[0] in left and keys[1] not in left and keys[5] in left
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.npy")) <= 1000


def test_a_damaged_file_and_too_large_numbers_are_computed_again(tmp_path):
    cache = FrameCache(tmp_path)
    key = cache.key(torch.ones(3), "")
    cache.write(key, torch.tensor([1e6]))
    assert cache.read(key) is None
    cache.write(key, FRAMES)
    (path,) = tmp_path.glob("*/*.npy")
    path.write_bytes(path.read_bytes()[:-5])
    assert cache.read(key) is None
    with pytest.raises(ArgumentError, match="`gigabytes` must be above 0, got 0"):
        FrameCache(tmp_path, 0)
