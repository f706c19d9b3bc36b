"""One door for speaker encoders of other projects: the tensors tell which project."""

from __future__ import annotations

from pathlib import Path

from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError
from diarspk.foreign.campplus import build_campplus_encoder
from diarspk.foreign.pyannote import INERT, load_pyannote
from diarspk.foreign.speechbrain import load_speechbrain
from diarspk.foreign.state import drop_prefix, read_state
from diarspk.foreign.wespeaker import load_wespeaker

__all__ = ["FILES", "is_foreign", "load_foreign_encoder"]

FILES = (
    *("avg_model.pt", "pytorch_model.bin", "embedding_model.ckpt"),
    *("campplus_cn_en_common.pt", "campplus_cn_common.bin", "campplus_voxceleb.bin"),
)
"""Names that the projects give to the file with the weights, looked for in a folder."""

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")


def is_foreign(path: Path) -> bool:
    """Whether a path looks like a checkpoint of another project, or a folder with one."""
    return path.is_dir() or path.suffix in SUFFIXES


def load_foreign_encoder(path: Path) -> WindowedEncoder:
    """Load a speaker encoder of WeSpeaker, pyannote.audio, 3D-Speaker or SpeechBrain.

    Parameters
    ----------
    path
        The file with the weights, or the folder in which it has its usual name
        (:data:`FILES`). WeSpeaker's ``config.yaml`` is read where it lies beside the weights.

    Raises
    ------
    ModelError
        If there is no such file, if it is damaged or holds code, or if its tensors are of no
        network known here.
    """
    path = _find_file(path)
    checkpoint = read_state(path, inert=INERT)
    if "pyannote.audio" in checkpoint and isinstance(checkpoint.get("state_dict"), dict):
        return load_pyannote(path, checkpoint)
    state = drop_prefix(checkpoint, "")
    if "blocks.0.conv.conv.weight" in state and "asp_bn.norm.weight" in state:
        return load_speechbrain(path, state)
    wespeaker = "projection.weight" in state or path.with_name("config.yaml").is_file()
    wespeaker = wespeaker or path.name == "avg_model.pt"
    if "xvector.tdnn.linear.weight" in state and not wespeaker:
        return build_campplus_encoder(path, state)
    return load_wespeaker(path, state)


def _find_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path}: none of {', '.join(FILES)} is in this folder; give the file itself")
