"""Turn a checkpoint of the frame head into the card that ships beside an encoder.

    python -m recipes.embedded.export_frames --checkpoint RUN_FRAMES/final.ckpt \
        --output diarspk/assets/frames

The files are named after the encoder's fingerprint, as :func:`diarspk.shipped.shipped_frame_head`
looks for them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from diarspk.encoders.frame_head import FrameHead, FrameHeadConfig, write_frame_head
from diarspk.errors import ModelError
from diarspk.models import load_encoder


def read_training(path: Path) -> tuple[FrameHead, str, int]:
    """Head, fingerprint of its encoder, and steps behind a checkpoint of ``train_frames.py``."""
    checkpoint = torch.load(path, "cpu", weights_only=True)
    settings = checkpoint["hyper_parameters"]
    head = FrameHead(FrameHeadConfig(**settings["head"])).eval()
    state = checkpoint["state_dict"].items()
    head.load_state_dict({name.removeprefix("head."): value for name, value in state})
    return head, settings["encoder"], int(checkpoint["global_step"])


def export_head(checkpoint: Path, folder: Path, model: str | None = None) -> Path:
    """Write the card of a checkpoint's head into a folder, and return its path.

    Parameters
    ----------
    model
        The encoder, for heads over the trunk of a training checkpoint, which has no fingerprint.

    Raises
    ------
    ModelError
        If the head was trained over another encoder, or it is not known over which.
    """
    head, encoder, steps = read_training(checkpoint)
    if model is not None:
        named = load_encoder(model).fingerprint
        if encoder not in ("", named):
            raise ModelError(f"{checkpoint}: was trained over the encoder {encoder}, not {named}")
        encoder = named
    if not encoder:
        raise ModelError(f"{checkpoint}: does not say over which encoder; give --model")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{encoder}.json"
    card: dict[str, object] = {
        "licence": "Apache-2.0",
        "recipe": "recipes/embedded/train_frames.py",
        "steps": steps,
    }
    write_frame_head(path, head, encoder=encoder, card=card)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder to write the card to")
    parser.add_argument("--model", help="encoder of a head that does not know its own")
    arguments = parser.parse_args()
    print(export_head(arguments.checkpoint, arguments.output, arguments.model).name)


if __name__ == "__main__":
    main()
