"""The trunk over a stream is the trunk over the whole, however the features are cut."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders import LocalTrunk, TrunkConfig
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig, fold_norms
from diarspk.encoders.local.trunk_stream import TrunkStream
from tests.diarspk.encoders.local.test_network import CONFIGS, trained_looking

CONFIGS = {**CONFIGS, "no profile": replace(CONFIGS["coarse"], profile=False)}
FRAMES = 400


def trunk_of(config: TrunkConfig, *, folded: bool = True) -> LocalTrunk:
    torch.manual_seed(0)
    network = trained_looking(SpeakerNetwork(SpeakerNetworkConfig(config, 8, 4))).eval()
    return (fold_norms(network) if folded else network).trunk


def some_features(config: TrunkConfig, frames: int = FRAMES) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return 2 * torch.randn(1, frames, config.mels, generator=generator) - 3


def streamed(stream: TrunkStream, features: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Exact frames of all pushes, then what was left."""
    parts, place, number, end = [], 0, 0, 0
    while place < features.shape[1]:
        size = sizes[number % len(sizes)]
        found = stream.push(features[:, place : place + size])
        assert found.first == end  # what was exact is not computed again
        place, number, end = place + size, number + 1, found.exact
        parts.append(found.frames[:, : found.exact - found.first])
    return torch.cat([*parts, found.frames[:, found.exact - found.first :]], dim=1)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_with_the_whole_reach_it_is_the_trunk(config, folded):
    trunk, features = trunk_of(config, folded=folded), some_features(config)
    with torch.inference_mode():
        whole = trunk(features)
    stream = TrunkStream(trunk, config.mean_reach)
    torch.testing.assert_close(streamed(stream, features, [52]), whole, atol=1e-4, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=6), st.integers(150, 330))
def test_with_the_whole_reach_it_is_the_trunk_however_cut(sizes, frames):
    config = CONFIGS["both"]
    trunk, features = trunk_of(config), some_features(config, frames)
    with torch.inference_mode():
        whole = trunk(features)
    stream = TrunkStream(trunk, config.mean_reach)
    torch.testing.assert_close(streamed(stream, features, sizes), whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("delay", [0, 10])
def test_what_comes_later_changes_no_exact_frame(delay):
    config = CONFIGS["both"]
    trunk, features = trunk_of(config), some_features(config)
    first, other = (TrunkStream(trunk, delay) for _ in range(2))
    changed = features.clone()
    changed[:, 300:] += 1
    one, two = (streamed(*pair, [50]) for pair in ((first, features), (other, changed)))
    reach = config.convolution_context + -(-delay // config.stride)
    last = 300 // config.stride - reach
    assert torch.equal(one[:, :last], two[:, :last])
    assert not torch.equal(one[:, last + 1 :], two[:, last + 1 :])


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_stored_stream_goes_on_to_the_same_bytes(precision):
    config = CONFIGS["both"]
    trunk, features = trunk_of(config), some_features(config)
    whole, part = TrunkStream(trunk), TrunkStream(trunk)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
        for place in range(0, FRAMES, 50):
            expected = whole.push(features[:, place : place + 50])
            found = part.push(features[:, place : place + 50])
            assert torch.equal(found.frames, expected.frames)
            stored = part.state()
            json.dumps([stored["planes_exact"], *(one["first"] for one in stored["kept"])])
            part = TrunkStream(trunk)
            part.restore(stored)


def test_it_keeps_the_context_of_its_layers_alone():
    config = CONFIGS["both"]
    stream = TrunkStream(trunk_of(config))
    sizes = []
    for _ in range(20):
        stream.push(some_features(config, 52))
        sizes.append(sum(one["frames"].size for one in stream.state()["kept"]))
    assert len(set(sizes[6:])) == 1
