"""Loading of pretrained encoders of other projects, told apart by their tensors' names."""

from __future__ import annotations

from pathlib import Path

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.checkpoints.pickled import read_state
from diarspk.encoders.clips import ClipEncoder
from diarspk.encoders.onnx.encoder import PRODUCER, OnnxEncoder, open_session
from diarspk.encoders.pretrained.campplus import build_campplus_encoder
from diarspk.encoders.pretrained.coqui import INERT as INERT_OF_COQUI
from diarspk.encoders.pretrained.coqui import is_coqui, load_coqui, speaker_encoder_state
from diarspk.encoders.pretrained.espnet import is_espnet, load_espnet
from diarspk.encoders.pretrained.locations import find_file
from diarspk.encoders.pretrained.speechbrain import (
    is_speechbrain_xvector,
    load_speechbrain,
    load_speechbrain_xvector,
)
from diarspk.encoders.pretrained.transformers import is_transformers, load_transformers
from diarspk.encoders.pretrained.wespeaker import INERT, load_pyannote, load_wespeaker
from diarspk.encoders.pretrained.wespeaker_onnx import (
    is_cosyvoice_onnx,
    is_wespeaker_onnx,
    load_cosyvoice_onnx,
    load_wespeaker_onnx,
)
from diarspk.errors import ModelError

__all__ = ["load_pretrained_encoder"]


def load_pretrained_encoder(path: Path) -> ClipEncoder:
    """Load a speaker encoder of another project, or an ONNX file.

    WeSpeaker (PyTorch and ONNX), pyannote.audio, 3D-Speaker, SpeechBrain, ESPnet-SPK, transformers'
    models with an x-vector head, and those that synthesizers bring: Coqui's and XTTS's H/ASP
    ResNet, CosyVoice's CAM++ (ONNX).

    Parameters
    ----------
    path
        File with the weights; or the folder in which it has its usual name, see
        :data:`~diarspk.encoders.pretrained.locations.FILES`; or the folder of a model of
        transformers. ``config.yaml`` beside the weights is read; ESPnet's need it.

    Raises
    ------
    ModelError
        If there is no such file, if it is damaged or holds code, or if its tensors are of no
        network known here.
    """
    if path.is_dir() and is_transformers(path):
        return load_transformers(path)
    path = find_file(path)
    if path.suffix == ".onnx":
        return _load_onnx(path)
    checkpoint = read_state(path, inert=(*INERT, *INERT_OF_COQUI))
    if "pyannote.audio" in checkpoint and isinstance(checkpoint.get("state_dict"), dict):
        return load_pyannote(path, checkpoint)
    state = drop_prefix(speaker_encoder_state(checkpoint), "")
    if "blocks.0.conv.conv.weight" in state and "asp_bn.norm.weight" in state:
        return load_speechbrain(path, state)
    if is_speechbrain_xvector(state):
        return load_speechbrain_xvector(path, state)
    if is_coqui(state):
        return load_coqui(path, state)
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
    if is_cosyvoice_onnx(session):
        return load_cosyvoice_onnx(path, session)
    raise ModelError(
        f"{path}: neither `diarspk export-encoder` nor WeSpeaker has written this graph, and it is "
        "no CAM++ of CosyVoice; only these are encoders here"
    )
