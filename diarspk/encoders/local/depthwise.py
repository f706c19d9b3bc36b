"""A depthwise convolution over frames that is fast on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["convolve_depthwise"]


def convolve_depthwise(convolution: nn.Conv1d, x: Tensor) -> Tensor:
    """Apply a depthwise ``convolution`` of odd kernel and stride 1, ``(batch, frames, channels)``.

    The same sums as the module's own, over an image of one row whose channels come last: oneDNN has
    a kernel for that layout, which is 15 to 25 times as fast.
    """
    image = x.unsqueeze(1).permute(0, 3, 1, 2)  # (batch, channels, 1, frames), nothing moves
    weight = convolution.weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    reach = convolution.kernel_size[0] // 2
    y = nn.functional.conv2d(
        image, weight, convolution.bias, padding=(0, reach), groups=convolution.groups
    )
    return y.permute(0, 2, 3, 1).squeeze(1)
