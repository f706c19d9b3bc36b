import pytest
import torch
from torch import nn

from diarspk.encoders.local.depthwise import convolve_depthwise


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
