"""Attention to near frames, and a depthwise convolution for the CPU."""

import pytest
import torch
from torch import nn

from diarspk.encoders.local.conformer import (
    LocalAttention,
    convolve_depthwise,
    cut_windows,
    join_blocks,
)


@pytest.mark.parametrize("kernel", [1, 3, 15])
@pytest.mark.parametrize("frames", [1, 7, 40])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_module_in_value_and_gradient(kernel, frames, bias):
    torch.manual_seed(0)
    module = nn.Conv1d(6, 6, kernel, padding=kernel // 2, groups=6, bias=bias)
    x = torch.randn(2, frames, 6, requires_grad=True)
    expected = module(x.transpose(1, 2)).transpose(1, 2)
    found = convolve_depthwise(module, x)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    gradients = [
        torch.autograd.grad((y * direction).sum(), [x, module.weight]) for y in (found, expected)
    ]
    torch.testing.assert_close(*gradients)


def test_windows_hold_the_frames_around_each_block():
    x = torch.arange(1.0, 121.0)[None, :, None]
    windows = cut_windows(x, 3)
    assert windows.shape == (1, 3, 56, 1)
    assert windows[0, 1, :, 0].tolist() == list(range(48, 104))
    assert windows[0, 0, :4, 0].tolist() == [0, 0, 0, 1]
    assert windows[0, 2, 22:, 0].tolist() == [120] + [0] * 33
    assert torch.equal(join_blocks(cut_windows(x, 0), 120), x)


def test_local_attention_is_attention_with_all_but_near_frames_masked():
    torch.manual_seed(1)
    attention = LocalAttention(8, 2, 6).requires_grad_(False)
    attention.weights.bias.copy_(torch.randn(2, 13))
    x = torch.randn(2, 73, 8)
    mask = torch.ones(2, 73, dtype=torch.bool)
    mask[1, 60:] = False
    query, key = attention.weights.query(x), attention.weights.key(x)
    value, mixed = attention.value(x), torch.zeros(2, 73, 8)
    for item in range(2):
        for frame in range(73):
            near = [n for n in range(73) if abs(n - frame) <= 6 and mask[item, n]]
            for part in (slice(0, 4), slice(4, 8)) if near else ():
                own = query[item, frame, part]
                bias = attention.weights.bias[part.start // 4, [n - frame + 6 for n in near]]
                weights = (key[item, near, part] @ own / 2 + bias).softmax(0)
                mixed[item, frame, part] = weights @ value[item, near, part]
    expected = attention.merge(mixed)
    found = attention(x, mask)
    torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=0)
