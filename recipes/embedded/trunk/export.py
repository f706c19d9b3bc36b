"""Turn training checkpoints into the weights that ship with the package.

    python -m recipes.embedded.trunk.export --encoder RUN/final.ckpt --output \
        diarspk/assets/NAME.json

The segmentation head comes from the same checkpoint, or from ``--segmentation
RUN_SEGMENTATION/last.ckpt``.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from diarspk.checkpoints.checkpoint import drop_prefix, write_checkpoint
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig


def read_network(path: Path) -> SpeakerNetwork:
    """Read the network inside a checkpoint of ``train.py``, in evaluation mode."""
    checkpoint = torch.load(path, "cpu", weights_only=True)
    settings: dict[str, Any] = dict(checkpoint["hyper_parameters"]["network"])
    trunk = TrunkConfig(**settings.pop("trunk"))
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk=trunk, **settings)).eval()
    network.load_state_dict(drop_prefix(checkpoint["state_dict"], "network."))
    return network


def read_segmentation_head(path: Path) -> SegmentationHead:
    """Read the segmentation head inside a checkpoint, in evaluation mode."""
    checkpoint = torch.load(path, "cpu", weights_only=True)
    head = SegmentationHead(SegmentationHeadConfig(**checkpoint["hyper_parameters"]["head"])).eval()
    head.load_state_dict(drop_prefix(checkpoint["state_dict"], "head."))
    return head


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument(
        "--segmentation", type=Path, help="where it is not the encoder's checkpoint"
    )
    parser.add_argument("--output", type=Path, required=True, help="card to write, NAME.json")
    parser.add_argument(
        "--training",
        action="store_true",
        help="also the map to the teacher's frames, which training goes on with",
    )
    arguments = parser.parse_args()
    network = read_network(arguments.encoder)
    head = read_segmentation_head(arguments.segmentation or arguments.encoder)
    parts = {"network": network, "activity": head}
    tensors = {
        f"{part}.{name}": value
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    if arguments.training:
        state = torch.load(arguments.encoder, "cpu", weights_only=True)["state_dict"]
        tensors |= {name: value for name, value in state.items() if name.startswith("mimic.")}
    card = {
        "name": arguments.output.stem,
        "network": asdict(network.config),
        "activity": asdict(head.config),
        "licence": "Apache-2.0",
        "recipe": "recipes/embedded",
    }
    write_checkpoint(arguments.output, tensors, card)


if __name__ == "__main__":
    main()
