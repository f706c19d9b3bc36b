"""ONNX files of WeSpeaker and of CosyVoice: log-mel features in, embedding out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.architectures.campplus import CAMPPLUS_FEATURES
from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import Waveform, WindowConfig
from diarspk.encoders.front_end import FrontEnd, MelFrontEnd
from diarspk.encoders.onnx.encoder import SessionEncoder
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig

__all__ = [
    "FeatureOnnxEncoder",
    "is_cosyvoice_onnx",
    "is_wespeaker_onnx",
    "load_cosyvoice_onnx",
    "load_wespeaker_onnx",
]

INPUT, OUTPUT = "feats", "embs"
COSYVOICE_MELS, COSYVOICE_DIMENSION = 80, 192
MIN_FRAMES = 16
"""Shorter clips are repeated: the strided convolutions of most networks need some frames."""


def is_wespeaker_onnx(session: Any) -> bool:
    """Whether a graph has the input and the output that WeSpeaker's exporter names."""
    inputs = [value.name for value in session.get_inputs()]
    return inputs == [INPUT] and OUTPUT in [value.name for value in session.get_outputs()]


def is_cosyvoice_onnx(session: Any) -> bool:
    """Whether a graph makes 192 dimensions of 80 mels, as the CAM++ beside CosyVoice's models."""
    inputs = [value.shape for value in session.get_inputs()]
    outputs = [value.shape for value in session.get_outputs()]
    return (
        len(inputs) == len(outputs) == 1
        and len(inputs[0]) == 3
        and inputs[0][-1] == COSYVOICE_MELS
        and outputs[0][-1:] == [COSYVOICE_DIMENSION]
    )


def load_cosyvoice_onnx(path: Path, session: Any) -> FeatureOnnxEncoder:
    """Build an encoder from CosyVoice's ``campplus.onnx``, with the features that it reads."""
    names = (session.get_inputs()[0].name, session.get_outputs()[0].name)
    front_end = MelFrontEnd(CAMPPLUS_FEATURES)
    encoder = _build(path, session, front_end, COSYVOICE_DIMENSION, names)
    encoder.origin = "cosyvoice-campplus"
    return encoder


def load_wespeaker_onnx(path: Path, session: Any) -> FeatureOnnxEncoder:
    """Build an encoder from a file that ``wespeaker/bin/export_onnx.py`` has written.

    Raises
    ------
    ModelError
        If the number of mels, or of dimensions, is dynamic in the graph.
    """
    mels = session.get_inputs()[0].shape[-1]
    (dimension,) = (value.shape[-1] for value in session.get_outputs() if value.name == OUTPUT)
    if not isinstance(mels, int) or not isinstance(dimension, int):
        raise ModelError(
            f"{path}: the graph leaves the number of mels or dimensions open; export it again"
        )
    names = (INPUT, OUTPUT)
    return _build(path, session, MelFrontEnd(FeatureConfig(mels=mels)), dimension, names)


def _build(
    path: Path, session: Any, front_end: FrontEnd, dimension: int, names: tuple[str, str]
) -> FeatureOnnxEncoder:
    content = path.read_bytes() + front_end.describe().encode()
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    return FeatureOnnxEncoder(session, front_end, dimension, fingerprint, names=names)


class FeatureOnnxEncoder(SessionEncoder):
    """Encoder from an ONNX file that reads features.

    Parameters
    ----------
    session
        From :func:`diarspk.encoders.onnx.encoder.open_session`.
    front_end
        Features that the graph reads.
    dimension
        Number of dimensions of an embedding.
    fingerprint
        Digest of file and features; it differs from that of the network's ``avg_model.pt``.
    names
        Of the graph's input and output.
    """

    def __init__(
        self,
        session: Any,
        front_end: FrontEnd,
        dimension: int,
        fingerprint: str,
        config: WindowConfig | None = None,
        *,
        names: tuple[str, str] = (INPUT, OUTPUT),
    ) -> None:
        super().__init__(
            session,
            sample_rate=front_end.sample_rate,
            dimension=dimension,
            fingerprint=fingerprint,
            config=config,
        )
        self.front_end = front_end
        self.names = names

    def embed_part(self, part: Waveform) -> Embedding:
        """See :meth:`SessionEncoder.embed_part`."""
        minimum = self.front_end.samples_for(MIN_FRAMES)
        waveform = np.resize(part, max(len(part), minimum))
        features = self.front_end(torch.from_numpy(waveform))[None].numpy()
        read, made = self.names
        return unit_vector(np.asarray(self.session.run([made], {read: features})[0][0]))
