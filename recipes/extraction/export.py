"""Turn a training checkpoint into an extractor that :func:`tse.load_extractor` reads.

    python -m recipes.extraction.export --checkpoint RUN/final.ckpt \
        --output tse/assets/band-split.json --verified [--before EARLIER/extractor.json]

The card names the speaker encoders of the training, of a file the way to it from the card.
The weights are stored in half precision. With ``--before`` they are averaged with those that the
training began with (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.checkpoints.checkpoint import drop_prefix, read_checkpoint
from diarspk.checkpoints.pickled import read_state
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ArgumentError
from eval.command_line import command
from recipes.extraction.encoders import trained_encoders
from recipes.extraction.warm_start import OF_A_JOINT_ENCODER, grow
from recipes.training.averaging import average_weights
from recipes.training.warm_start import read_warm_start
from tse.card_encoders import prefixes, take_weights
from tse.loading import write_extractor
from tse.models.architectures import read_network


def export(
    checkpoint: Path,
    output: Path,
    *,
    speakers: tuple[str, ...] = (),
    passes: int = 1,
    verified: bool = False,
    before: Path | None = None,
    share_before: float = 0.3,
    encoders: Sequence[str] = (),
) -> None:
    """Write the network, and the encoders where they were trained with it.

    Parameters
    ----------
    speakers
        Names, for a network of a closed set of speakers.
    passes
        See :class:`tse.Extractor`.
    verified
        Whether the encoder is the verifier.
    before
        Checkpoint, or card of an extractor, whose weights are averaged in; it may be smaller.
    share_before
        Of those in the average.
    encoders
        Names of the speaker encoders, in the place of those of the training.
    """
    stored = read_state(checkpoint)
    settings, state = stored["hyper_parameters"], stored["state_dict"]
    averaged: dict[str, object] = {}
    if before is not None:
        trained = read_warm_start(before, **OF_A_JOINT_ENCODER)
        shared = {
            name: tensor
            for name, tensor in state.items()
            if name.startswith("network.") or name in trained
        }
        state = average_weights(state, grow(shared, trained), share_before)
        card = before.suffix == ".json"
        name = read_checkpoint(before).fingerprint if card else before.name
        averaged = {"before": name, "share_before": share_before}
    network = read_network(settings["network"])
    if network.causal and (verified or passes > 1):
        raise ArgumentError(
            "--verified and --passes go with extractors that look ahead; leave them out for this "
            "causal one, which makes one pass"
        )
    network.load_state_dict(drop_prefix(state, "network."))
    joint = bool(settings["train"]["joint_encoder"])
    read = trained_encoders(settings, encoders)
    for prefix, encoder in zip(prefixes(len(read.loaded)), read.loaded, strict=True):
        own = drop_prefix(state, prefix.replace("encoder.", "joint.network.", 1))
        if own:
            take_weights(encoder, own, joint=joint)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_extractor(
        output,
        network,
        settings["cue"],
        speakers=speakers,
        encoder=read.loaded,
        encoder_name=[name or DEFAULT for name in read.names],
        joint=joint,
        notes={
            "licence": "Apache-2.0",
            "recipe": "recipes/extraction",
            "passes": passes,
            "verified": verified,
            "training": settings["train"],
            "steps": int(stored["global_step"]),
            **averaged,
        },
    )


@dataclass(frozen=True)
class Settings:
    checkpoint: Path
    """Checkpoint of recipes.extraction.train."""
    output: Path
    """Card to write, NAME.json."""
    passes: int = 1
    """Number of passes over a mixture, as it is used."""
    verified: bool = False
    """Verify by the embeddings of what is extracted."""
    before: Path | None = None
    """Checkpoint or card that the training began with, to average in."""
    share_before: float = 0.3
    """Share of those weights."""
    encoder: Sequence[str] = ()
    """Speaker encoders, in the place of the names in the checkpoint; to find files that moved."""


@command
def main(settings: Settings) -> None:
    export(
        settings.checkpoint,
        settings.output,
        passes=settings.passes,
        verified=settings.verified,
        before=settings.before,
        share_before=settings.share_before,
        encoders=settings.encoder,
    )


if __name__ == "__main__":
    raise SystemExit(main())
