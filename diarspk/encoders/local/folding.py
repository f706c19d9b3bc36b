"""Batch norms folded into the layers before them, for inference."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.encoders.local.trunk import FrontStage, ResidualPair, TimeDelayLayer

__all__ = ["fold_norms"]

FOLDED: dict[type[nn.Module], dict[str, str]] = {
    FrontStage: {"norm": "reduce"},
    ResidualPair: {"norm1": "conv1", "norm2": "conv2"},
}
"""Batch norms after convolutions, each with the convolution that it is folded into."""


def fold_norms(network: SpeakerNetwork) -> SpeakerNetwork:
    """Fold the batch norms of trunk and utterance head away, in place.

    The network then computes the same in fewer passes over memory, and can no longer be trained.
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, TimeDelayLayer) and isinstance(module.norm, nn.BatchNorm1d):
            module.affine = fuse_linear_bn_eval(module.affine, module.norm)
            module.norm = nn.Identity()
        for norm, convolution in FOLDED.get(type(module), {}).items():
            if isinstance(found := getattr(module, norm), nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(getattr(module, convolution), found)
                setattr(module, convolution, fused)
                setattr(module, norm, nn.Identity())
    return network
