"""Turn a training checkpoint into an extractor that :func:`tse.load_extractor` reads.

    python -m recipes.extraction.export --checkpoint RUN/final.ckpt \
        --output tse/assets/band-split.json --passes 2

The weights are stored in half precision.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

import diarspk
from diarspk.encoders.local import LocalEncoder
from diarspk.models import DEFAULT
from tse.loading import WITHOUT_ENCODER, write_extractor
from tse.models.architectures import read_network


def export(
    checkpoint: Path, output: Path, *, speakers: tuple[str, ...] = (), passes: int = 1
) -> None:
    """Write the network, and the encoder where it was trained with it."""
    stored: dict[str, Any] = torch.load(checkpoint, "cpu", weights_only=True)
    settings, state = stored["hyper_parameters"], stored["state_dict"]
    network = read_network(settings["network"])
    network.load_state_dict(_part(state, "network."))
    cue, joint = settings["cue"], bool(settings["train"]["joint_encoder"])
    encoder: LocalEncoder | None = None
    if cue not in WITHOUT_ENCODER:
        encoder = diarspk.load_encoder()
        if joint:
            encoder.network.load_state_dict(_part(state, "joint.network."))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_extractor(
        output,
        network,
        cue,
        speakers=speakers,
        encoder=encoder,
        encoder_name=DEFAULT if encoder is not None else "",
        joint=joint,
        notes={
            "licence": "Apache-2.0",
            "recipe": "recipes/extraction",
            "passes": passes,
            "training": settings["train"],
            "steps": int(stored["global_step"]),
        },
    )


def _part(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="card to write, NAME.json")
    parser.add_argument("--passes", type=int, default=1, help="over a mixture, as it is used")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.output, passes=arguments.passes)


if __name__ == "__main__":
    main()
