"""Turn training checkpoints into the weights that ship with the package.

    python -m recipes.embedded.trunk.export --encoder RUN/final.ckpt --output \
        diarspk/assets/NAME.json

The segmentation head comes from the same checkpoint, or from ``--segmentation
RUN_SEGMENTATION/last.ckpt``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diarspk.checkpoints.checkpoint import drop_prefix, write_checkpoint
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.segmentation.segmentation_head import SegmentationHead, SegmentationHeadConfig
from eval.command_line import command
from recipes.training.warm_start import read_training_state


def read_network(path: Path) -> SpeakerNetwork:
    """Read the network inside a checkpoint of ``train.py``, in evaluation mode."""
    checkpoint = read_training_state(path, "network")
    settings: dict[str, Any] = dict(checkpoint["hyper_parameters"]["network"])
    trunk = TrunkConfig(**settings.pop("trunk"))
    network = SpeakerNetwork(SpeakerNetworkConfig(trunk=trunk, **settings)).eval()
    network.load_state_dict(drop_prefix(checkpoint["state_dict"], "network."))
    return network


def read_segmentation_head(path: Path) -> SegmentationHead:
    """Read the segmentation head inside a checkpoint, in evaluation mode."""
    checkpoint = read_training_state(path, "head")
    head = SegmentationHead(SegmentationHeadConfig(**checkpoint["hyper_parameters"]["head"])).eval()
    head.load_state_dict(drop_prefix(checkpoint["state_dict"], "head."))
    return head


@dataclass(frozen=True)
class Settings:
    encoder: Path
    """Checkpoint of recipes.embedded.trunk.train."""
    output: Path
    """Card to write, NAME.json."""
    segmentation: Path | None = None
    """Checkpoint of the segmentation head; none: the encoder's."""
    training: bool = False
    """Export the map to the teacher's frames, too, which training goes on with."""


@command
def main(settings: Settings) -> None:
    network = read_network(settings.encoder)
    head = read_segmentation_head(settings.segmentation or settings.encoder)
    parts = {"network": network, "activity": head}
    tensors = {
        f"{part}.{name}": value
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    if settings.training:
        state = read_training_state(settings.encoder)["state_dict"]
        tensors |= {name: value for name, value in state.items() if name.startswith("mimic.")}
    card = {
        "name": settings.output.stem,
        "network": asdict(network.config),
        "activity": asdict(head.config),
        "licence": "Apache-2.0",
        "recipe": "recipes/embedded",
    }
    # What is fitted to the embeddings stays of use when the segmentation head changes.
    write_checkpoint(settings.output, tensors, card, identity="network.")


if __name__ == "__main__":
    raise SystemExit(main())
