"""Target systems of exported speaker vectors, and the space that each of them reads."""

from __future__ import annotations

from dataclasses import dataclass

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError, ModelError

__all__ = ["TARGETS", "Target", "check_space", "find_target"]


@dataclass(frozen=True)
class Target:
    """Target system of an export.

    Attributes
    ----------
    name : str
        Name in :data:`TARGETS` and on the command line.
    system : str
        Name of the system.
    encoder : str
        Encoder that its published models were trained with.
    dimension : int or None
        Dimension of the vectors that it reads; None for any.
    suffixes : tuple of str
        Suffixes of the files that it reads; "" for a folder.
    encoder_names : tuple of str
        Origins of that encoder, see :class:`diarspk.SpeakerEncoder`.
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
        Target(
            "coqui",
            "YourTTS (Coqui)",
            "its H/ASP ResNet (model_se.pth)",
            512,
            (".pth", ".json"),
            ("coqui-se",),
        ),
        Target("xtts", "XTTS", "its own H/ASP ResNet (in model.pth)", 512, (".pth",), ("xtts",)),
        Target(
            "cosyvoice",
            "CosyVoice",
            "its CAM++ (campplus.onnx)",
            192,
            (".pt", ""),
            ("cosyvoice-campplus",),
        ),
        Target(
            "speecht5",
            "SpeechT5",
            "SpeechBrain's x-vector",
            512,
            (".pt", ".npy"),
            ("speechbrain-xvector", "speechbrain/spkrec-xvect-voxceleb"),
        ),
        Target("nemo", "FastPitch (NeMo)", "the encoder it was trained with", None, (".npy",)),
        Target("numpy", "any program", "any encoder", None, (".npz", ".npy")),
    )
}
"""Target systems by name."""


def find_target(name: str) -> Target:
    """Find a target system by name.

    Raises
    ------
    ArgumentError
        If there is none of that name.
    """
    if not isinstance(name, str) or name not in TARGETS:
        raise ArgumentError(f"`target_name` must be among {', '.join(TARGETS)}, got {name!r}")
    return TARGETS[name]


def check_space(target: Target, space: Space, trained_on: str | None = None) -> None:
    """Refuse vectors that are not known to be of the space of a target system.

    Parameters
    ----------
    target : Target
        Target system.
    space : Space
        Space of the vectors, after any alignment.
    trained_on : str, optional
        Fingerprint of the encoder that the user's copy of the system was trained with.

    Raises
    ------
    ModelError
        If the spaces differ, or are not known to be the same.
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
