"""Batch norms folded into the layers before them, for inference."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from diarspk.encoders.network import SpeakerNetwork
from diarspk.encoders.trunk import FrontStage, TimeDelayLayer

__all__ = ["fold_norms"]


def fold_norms(network: SpeakerNetwork) -> SpeakerNetwork:
    """Fold the batch norms of trunk and utterance head away, in place.

    The network then computes the same in fewer passes over memory, and can no longer be trained.
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, TimeDelayLayer) and isinstance(module.norm, nn.BatchNorm1d):
            module.affine = fuse_linear_bn_eval(module.affine, module.norm)
            module.norm = nn.Identity()
        elif isinstance(module, FrontStage) and isinstance(module.norm, nn.BatchNorm2d):
            module.reduce = fuse_conv_bn_eval(module.reduce, module.norm)
            module.conv1 = fuse_conv_bn_eval(module.conv1, module.norm1)
            module.conv2 = fuse_conv_bn_eval(module.conv2, module.norm2)
            module.norm = module.norm1 = module.norm2 = nn.Identity()
    return network
