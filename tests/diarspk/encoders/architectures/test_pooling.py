from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.encoders.architectures.masking import length_mask
from diarspk.encoders.architectures.pooling import (
    ESPNET_ATTENTION,
    POOLINGS,
    ChannelAttentiveStatisticsPooling,
    DictionaryPooling,
    MeanPooling,
    StatisticsPooling,
    TemporalStatisticsPooling,
    build_pooling,
)
from diarspk.errors import ArgumentError
from tests.diarspk.encoders.local.test_network import trained_looking

FRAMES = torch.tensor([[[1.0, 5.0], [3.0, 5.0], [100.0, -7.0]]])
MASK = torch.tensor([[True, True, False]])


def random_frames(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, count, 6, generator=torch.Generator().manual_seed(seed))


def built(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return trained_looking(build_pooling(name, 6))


def test_mean_by_hand():
    assert MeanPooling(2)(FRAMES, MASK).tolist() == [[2.0, 5.0]]


@pytest.mark.parametrize(("correction", "deviation"), [(0, 1.0), (1, math.sqrt(2))])
def test_statistics_by_hand(correction, deviation):
    pooled = StatisticsPooling(2, correction=correction)(FRAMES, MASK)
    torch.testing.assert_close(pooled, torch.tensor([[2.0, 5.0, deviation, 1e-6]]))


def test_temporal_statistics_have_a_floor():
    pooled = TemporalStatisticsPooling(2)(FRAMES, MASK)
    expected = torch.tensor([[2.0, 5.0, math.sqrt(2), math.sqrt(1e-7)]])
    torch.testing.assert_close(pooled, expected)


def test_a_constant_channel_has_a_finite_gradient():
    frames = torch.ones(1, 4, 2, requires_grad=True)
    for name in POOLINGS:
        (gradient,) = torch.autograd.grad(build_pooling(name, 2)(frames).sum(), frames)
        assert gradient.isfinite().all(), name


def test_even_attention_gives_plain_statistics():
    pooling = ChannelAttentiveStatisticsPooling(2, ESPNET_ATTENTION).eval()
    torch.nn.init.zeros_(pooling.linear2.weight)
    pooled = pooling(FRAMES, MASK)
    torch.testing.assert_close(pooled, torch.tensor([[2.0, 5.0, 1.0, 0.01]]))


def test_attention_by_the_formula():
    pooling = built("channel-attentive-speechbrain")
    x = random_frames(9).transpose(1, 2)
    context = torch.cat([x.mean(-1), x.std(-1, correction=0)], dim=1)[..., None]
    seen = torch.cat([x, context.expand(-1, -1, 9)], dim=1)
    weights = pooling.linear2(pooling.norm(pooling.linear1(seen).relu()).tanh()).softmax(-1)
    mean = (weights * x).sum(-1)
    deviation = ((weights * x.square()).sum(-1) - mean.square()).sqrt()
    expected = torch.cat([mean, deviation], dim=1)
    torch.testing.assert_close(pooling(x.transpose(1, 2)), expected, atol=1e-5, rtol=1e-5)


def test_dictionary_by_hand():
    pooling = DictionaryPooling(1, components=2)
    pooling.centres.data = torch.tensor([[0.0], [2.0]])
    pooling.scales.data = torch.tensor([1.0, 1.0])
    near = 1 / (1 + math.exp(-4.0))  # of a frame at 0 to the centre at 0, of 2 to 2
    far = 1 - near
    frames = torch.tensor([[[0.0], [2.0], [50.0]]])
    # component 0: (near * 0 + far * 2) / 2; component 1: (far * -2 + near * 0) / 2
    torch.testing.assert_close(pooling(frames, MASK), torch.tensor([[far, -far]]))


@settings(deadline=None, max_examples=10)
@given(st.sampled_from(sorted(POOLINGS)), st.integers(1, 12), st.integers(0, 9))
def test_padding_changes_nothing(name, count, padding):
    pooling, frames = built(name), random_frames(count)
    padded = torch.cat([frames, torch.full((1, padding, 6), torch.nan)], dim=1)
    mask = length_mask(torch.tensor([count]), count + padding)
    with torch.inference_mode():
        torch.testing.assert_close(pooling(padded, mask), pooling(frames), atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=10)
@given(st.sampled_from(sorted(POOLINGS)), st.permutations(range(8)))
def test_order_does_not_matter(name, order):
    pooling, frames = built(name), random_frames(8)
    with torch.inference_mode():
        torch.testing.assert_close(
            pooling(frames[:, list(order)]), pooling(frames), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("name", POOLINGS)
def test_the_size_is_as_announced(name):
    pooling = built(name)
    assert pooling(random_frames(4)).shape == (1, pooling.statistics)


def test_an_unknown_name_is_an_error():
    with pytest.raises(ArgumentError, match=r"`pooling` must be one of mean, .* got 'max'"):
        build_pooling("max", 2)
