"""WeSpeaker's ONNX files: log-mel features in, embedding out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import Waveform, WindowConfig
from diarspk.encoders.front_end import FrontEnd, MelFrontEnd
from diarspk.encoders.onnx.encoder import SessionEncoder
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig

__all__ = ["WeSpeakerOnnxEncoder", "is_wespeaker_onnx", "load_wespeaker_onnx"]

INPUT, OUTPUT = "feats", "embs"
MIN_FRAMES = 16
"""Shorter clips are repeated: the strided convolutions of most networks need some frames."""


def is_wespeaker_onnx(session: Any) -> bool:
    """Whether a graph has the input and the output that WeSpeaker's exporter names."""
    inputs = [value.name for value in session.get_inputs()]
    return inputs == [INPUT] and OUTPUT in [value.name for value in session.get_outputs()]


def load_wespeaker_onnx(path: Path, session: Any) -> WeSpeakerOnnxEncoder:
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
    front_end = MelFrontEnd(FeatureConfig(mels=mels))
    content = path.read_bytes() + front_end.describe().encode()
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    return WeSpeakerOnnxEncoder(session, front_end, dimension, fingerprint)


class WeSpeakerOnnxEncoder(SessionEncoder):
    """Encoder from WeSpeaker's ONNX file.

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
    """

    def __init__(
        self,
        session: Any,
        front_end: FrontEnd,
        dimension: int,
        fingerprint: str,
        config: WindowConfig | None = None,
    ) -> None:
        super().__init__(
            session,
            sample_rate=front_end.sample_rate,
            dimension=dimension,
            fingerprint=fingerprint,
            config=config,
        )
        self.front_end = front_end

    def embed_part(self, part: Waveform) -> Embedding:
        """See :meth:`SessionEncoder.embed_part`."""
        minimum = self.front_end.samples_for(MIN_FRAMES)
        waveform = np.resize(part, max(len(part), minimum))
        features = self.front_end(torch.from_numpy(waveform))[None].numpy()
        return unit_vector(np.asarray(self.session.run([OUTPUT], {INPUT: features})[0][0]))
