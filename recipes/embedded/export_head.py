"""Turn a checkpoint of a head over a frozen encoder into the card that ships beside that encoder.

    python -m recipes.embedded.export_head frames --checkpoint RUN_FRAMES/final.ckpt
    python -m recipes.embedded.export_head targets --checkpoint RUN_TARGETS/final.ckpt

The files lie in a folder of the kind in ``diarspk/assets`` and are named after the encoder's
fingerprint, as :mod:`diarspk.shipped` looks for them. The space of embeddings stays the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from diarspk.checkpoints import drop_prefix
from diarspk.encoders.frame_head import FRAME_HEADS
from diarspk.errors import ModelError
from diarspk.head_cards import Head, HeadFormat
from diarspk.models import load_encoder
from diarspk.packaged import asset_folder
from diarspk.segmentation.target_activity import TARGET_HEADS

KINDS: dict[str, HeadFormat[Any]] = {"frames": FRAME_HEADS, "targets": TARGET_HEADS}


def read_training(path: Path, heads: HeadFormat[Head]) -> tuple[Head, str, int]:
    """Head, fingerprint of its encoder, and steps behind a checkpoint of the head's recipe."""
    checkpoint = torch.load(path, "cpu", weights_only=True)
    settings = checkpoint["hyper_parameters"]
    head = heads.build(**settings["head"]).eval()
    head.load_state_dict(drop_prefix(checkpoint["state_dict"], "head."))
    return head, settings["encoder"], int(checkpoint["global_step"])


def export_head(
    checkpoint: Path, heads: HeadFormat[Head], folder: Path, model: str | None = None
) -> Path:
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
    head, encoder, steps = read_training(checkpoint, heads)
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
        "recipe": heads.recipe.replace(".", "/") + ".py",
        "steps": steps,
    }
    heads.write(path, head, encoder=encoder, card=card)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="folder to write the card to, if another")
    parser.add_argument("--model", help="encoder of a head that does not know its own")
    options = parser.parse_args()
    folder = options.output or asset_folder() / options.kind
    print(export_head(options.checkpoint, KINDS[options.kind], folder, options.model).name)


if __name__ == "__main__":
    main()
