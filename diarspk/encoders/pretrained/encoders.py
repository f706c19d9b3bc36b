"""One door for speaker encoders of other projects: the tensors tell which project."""

from __future__ import annotations

from pathlib import Path

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.encoders.clips import ClipEncoder
from diarspk.encoders.onnx.encoder import OnnxEncoder
from diarspk.encoders.onnx.exporting import PRODUCER
from diarspk.encoders.onnx.sessions import open_session
from diarspk.encoders.pretrained.campplus import build_campplus_encoder
from diarspk.encoders.pretrained.espnet import is_espnet, load_espnet
from diarspk.encoders.pretrained.pyannote import INERT, load_pyannote
from diarspk.encoders.pretrained.speechbrain import load_speechbrain
from diarspk.encoders.pretrained.state import read_state
from diarspk.encoders.pretrained.transformers import is_transformers, load_transformers
from diarspk.encoders.pretrained.wespeaker import load_wespeaker
from diarspk.encoders.pretrained.wespeaker_onnx import is_wespeaker_onnx, load_wespeaker_onnx
from diarspk.errors import ModelError

__all__ = ["FILES", "is_foreign", "load_foreign_encoder"]

FILES = (
    *("avg_model.pt", "pytorch_model.bin", "embedding_model.ckpt"),
    *("campplus_cn_en_common.pt", "campplus_cn_common.bin", "campplus_voxceleb.bin"),
)
"""Names that the projects give to the file with the weights, looked for in a folder."""

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".onnx")


def is_foreign(path: Path) -> bool:
    """Whether a path looks like a checkpoint of another project, or a folder with one."""
    return path.is_dir() or path.suffix in SUFFIXES


def load_foreign_encoder(path: Path) -> ClipEncoder:
    """Load a speaker encoder of another project, or one that was exported to ONNX.

    WeSpeaker (PyTorch and ONNX), pyannote.audio, 3D-Speaker, SpeechBrain, ESPnet-SPK, and
    transformers' models with an x-vector head.

    Parameters
    ----------
    path
        The file with the weights, or the folder in which it has its usual name
        (:data:`FILES`), or the folder of a model of transformers. ``config.yaml`` is read where
        it lies beside the weights; for ESPnet's it has to.

    Raises
    ------
    ModelError
        If there is no such file, if it is damaged or holds code, or if its tensors are of no
        network known here.
    """
    if path.is_dir() and is_transformers(path):
        return load_transformers(path)
    path = _find_file(path)
    if path.suffix == ".onnx":
        return _load_onnx(path)
    checkpoint = read_state(path, inert=INERT)
    if "pyannote.audio" in checkpoint and isinstance(checkpoint.get("state_dict"), dict):
        return load_pyannote(path, checkpoint)
    state = drop_prefix(checkpoint, "")
    if "blocks.0.conv.conv.weight" in state and "asp_bn.norm.weight" in state:
        return load_speechbrain(path, state)
    if is_espnet(state):
        return load_espnet(path, state)
    wespeaker = "projection.weight" in state or path.with_name("config.yaml").is_file()
    wespeaker = wespeaker or path.name == "avg_model.pt"
    if "xvector.tdnn.linear.weight" in state and not wespeaker:
        return build_campplus_encoder(path, state)
    return load_wespeaker(path, state)


def _load_onnx(path: Path) -> ClipEncoder:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; check the path")
    session = open_session(path)
    facts = session.get_modelmeta().custom_metadata_map
    if facts.get("producer") == PRODUCER:
        return OnnxEncoder(session, facts)
    if is_wespeaker_onnx(session):
        return load_wespeaker_onnx(path, session)
    raise ModelError(
        f"{path}: neither `diarspk export-encoder` nor WeSpeaker has written this graph; only "
        "theirs are encoders here"
    )


def _find_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    others = [file for pattern in ("*.pth", "*.onnx") for file in path.glob(pattern)]
    if len(others) == 1:
        return others[0]
    raise ModelError(f"{path}: none of {', '.join(FILES)} is in this folder; give the file itself")
