"""Systems that take speaker vectors, and the space each of them reads."""

from __future__ import annotations

from dataclasses import dataclass

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError

__all__ = ["TARGETS", "Target", "check_space"]


@dataclass(frozen=True)
class Target:
    """A system and what it reads.

    Attributes
    ----------
    name : str
        As the command line takes it.
    system : str
    encoder : str
        The encoder that its published models were trained with.
    dimension : int or None
        Length of vector that its architecture takes; None for any.
    suffixes : tuple of str
        Of the files that it reads; "" for a folder.
    encoder_names : tuple of str
        Names under which :func:`diarspk.load_encoder` gives that very encoder.
    """

    name: str
    system: str
    encoder: str
    dimension: int | None
    suffixes: tuple[str, ...]
    encoder_names: tuple[str, ...] = ()


TARGETS = {
    target.name: target
    for target in (
        Target("coqui", "YourTTS (Coqui)", "its H/ASP ResNetSE", 512, (".pth", ".json")),
        Target("xtts", "XTTS", "its own H/ASP ResNetSE", 512, (".pth",)),
        Target("cosyvoice", "CosyVoice", "its CAM++ (campplus.onnx)", 192, (".pt", "")),
        Target(
            "speecht5",
            "SpeechT5",
            "SpeechBrain's x-vector",
            512,
            (".pt", ".npy"),
            ("speechbrain/spkrec-xvect-voxceleb",),
        ),
        Target("nemo", "FastPitch (NeMo)", "the encoder it was trained with", None, (".npy",)),
        Target("numpy", "any program", "any encoder", None, (".npy", ".npz")),
    )
}


def check_space(target: Target, space: Space, trained_on: str | None = None) -> None:
    """Refuse vectors that are not known to be of the space that a system reads.

    Parameters
    ----------
    target : Target
    space : Space
        Of the vectors, after any alignment.
    trained_on : str, optional
        Fingerprint of the encoder that the user's system was trained with.

    Raises
    ------
    ModelError
        With the reason, if the spaces differ, or nothing says that they agree.
    """
    if target.name == "numpy":
        return
    if target.dimension is not None and space.dimension != target.dimension:
        raise ModelError(
            f"{target.system} takes vectors of dimension {target.dimension} from "
            f"{target.encoder}, got {space}; name that encoder, or give an alignment into its "
            "space"
        )
    if trained_on is not None:
        if trained_on != space.fingerprint:
            raise ModelError(
                f"{target.system} was trained on fingerprint {trained_on}, got {space}; an equal "
                "dimension is not an equal space: name that encoder, or give an alignment into "
                "its space"
            )
        return
    if space.name not in target.encoder_names:
        raise ModelError(
            f"{target.system} reads the space of {target.encoder}; nothing says that {space} is "
            "that space, and an equal dimension does not: name that encoder, give an alignment "
            "into its space, or give the fingerprint that your model was trained on"
        )
