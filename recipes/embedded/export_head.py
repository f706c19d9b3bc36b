"""Export a head that was trained over a frozen encoder: weights and card.

    python -m recipes.embedded.export_head frame --checkpoint RUN_FRAMES/final.ckpt
    python -m recipes.embedded.export_head target-speaker-vad --checkpoint RUN_TSVAD/final.ckpt \
        [--before EARLIER/FINGERPRINT.json --share-before 0.5]

The files lie in a folder of ``diarspk/assets`` for each kind of head and are named after the
encoder's fingerprint, as :mod:`diarspk.checkpoints.heads` looks for them. The embedding space stays
the same. With ``--before`` the weights are averaged with those of an earlier card (Wortsman et al.,
Robust fine-tuning of zero-shot models, CVPR 2022, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import drop_prefix, read_checkpoint
from diarspk.checkpoints.heads import Head, HeadFormat
from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.frame_head import FRAME_HEADS
from diarspk.errors import ModelError
from diarspk.segmentation.target_speaker_vad import TARGET_SPEAKER_VAD_HEADS
from eval.command_line import Positional, command, one_of
from recipes.training.averaging import average_weights
from recipes.training.warm_start import read_training_state

HEADS: dict[str, HeadFormat[Any]] = {
    "frame": FRAME_HEADS,
    "target-speaker-vad": TARGET_SPEAKER_VAD_HEADS,
}


def read_head(path: Path, heads: HeadFormat[Head]) -> tuple[Head, str, int]:
    """Read the head in a checkpoint, the fingerprint of its encoder, and the steps behind it."""
    checkpoint = read_training_state(path, "head", "encoder")
    settings = checkpoint["hyper_parameters"]
    head = heads.build(**settings["head"]).eval()
    head.load_state_dict(drop_prefix(checkpoint["state_dict"], "head."))
    return head, settings["encoder"], int(checkpoint["global_step"])


def export_head(
    checkpoint: Path,
    heads: HeadFormat[Head],
    folder: Path,
    encoder: str | None = None,
    *,
    before: Path | None = None,
    share_before: float = 0.5,
) -> Path:
    """Write the card of a checkpoint's head into a folder, and return its path.

    Parameters
    ----------
    encoder
        The encoder, for heads over the trunk of a training checkpoint, which has no fingerprint.
    before, share_before
        Card of a head over the same encoder, whose weights are averaged in, and their share.

    Raises
    ------
    ModelError
        If one of the heads was trained over another encoder, or it is not known over which.
    """
    head, fingerprint, steps = read_head(checkpoint, heads)
    if encoder is not None:
        given = load_encoder(encoder).fingerprint
        if fingerprint not in ("", given):
            raise ModelError(
                f"{checkpoint}: was trained over the encoder {fingerprint}, not {given}"
            )
        fingerprint = given
    if not fingerprint:
        raise ModelError(f"{checkpoint}: does not say over which encoder; give --encoder")
    averaged: dict[str, object] = {}
    if before is not None:
        earlier = heads.read(before, fingerprint).state_dict()
        head.load_state_dict(average_weights(head.state_dict(), earlier, share_before))
        name = read_checkpoint(before).fingerprint
        averaged = {"before": name, "share_before": share_before}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{fingerprint}.json"
    card: dict[str, object] = {
        "licence": "Apache-2.0",
        "recipe": heads.recipe.replace(".", "/") + ".py",
        "steps": steps,
        **averaged,
    }
    heads.write(path, head, encoder=fingerprint, card=card)
    return path


@dataclass(frozen=True)
class Settings:
    head: Positional[Annotated[str, one_of(HEADS)]]
    """Kind of the head."""
    checkpoint: Path
    """Checkpoint of its training."""
    output: Path | None = None
    """Folder to write the card to; none: that of the assets."""
    encoder: str | None = None
    """Encoder of a head that does not know its own."""
    before: Path | None = None
    """Card of an earlier head, to average in."""
    share_before: float = 0.5
    """Share of the earlier head's weights."""


@command
def main(settings: Settings) -> None:
    heads = HEADS[settings.head]
    path = export_head(
        settings.checkpoint,
        heads,
        settings.output or asset_folder() / heads.section,
        settings.encoder,
        before=settings.before,
        share_before=settings.share_before,
    )
    print(path.name)


if __name__ == "__main__":
    raise SystemExit(main())
