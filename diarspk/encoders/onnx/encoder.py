"""Speaker encoders whose network is an ONNX graph, run by onnxruntime on the CPU."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.errors import ModelError

__all__ = ["INPUT", "OUTPUTS", "PRODUCER", "OnnxEncoder", "SessionEncoder", "open_session"]

PRODUCER = "diarspk"
"""Of the graphs that :func:`diarspk.encoders.onnx.export_encoder` writes, in their metadata."""

INPUT = "waveform"
OUTPUTS = ("embedding", "frames")


def open_session(model: bytes | Path, *, threads: int | None = None) -> Any:
    """Open a graph for inference on the CPU.

    Parameters
    ----------
    model
        Content of an ONNX file, or its path.
    threads
        Number of threads. Default: that of PyTorch.

    Raises
    ------
    ModelError
        If onnxruntime is missing, or cannot run the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("onnxruntime is not installed: pip install 'diarspk[onnx]'") from error
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for every fault
        fault = " ".join(str(error).split())[:200]
        name = "the graph" if isinstance(model, bytes) else str(model)
        raise ModelError(
            f"{name}: onnxruntime cannot open it ({fault}); export it again"
        ) from error


class SessionEncoder(ClipEncoder):
    """Base of encoders run by onnxruntime, one clip at a time and so without padding.

    Parameters
    ----------
    session
        From :func:`open_session`.
    sample_rate
        Sample rate of the network's input in Hz.
    dimension
        Number of dimensions of an embedding.
    fingerprint
        Digest that identifies the embedding space.
    """

    def __init__(
        self,
        session: Any,
        *,
        sample_rate: int,
        dimension: int,
        fingerprint: str,
        config: WindowConfig | None = None,
    ) -> None:
        self.session = session
        self.config = config or WindowConfig()
        self._rate, self._dimension, self._fingerprint = sample_rate, dimension, fingerprint

    @property
    def sample_rate(self) -> int:
        """Sample rate of the network's input in Hz; audio is resampled to it."""
        return self._rate

    @property
    def dimension(self) -> int:
        """Number of dimensions of an embedding."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """Digest that identifies the embedding space."""
        return self._fingerprint

    @abstractmethod
    def embed_part(self, part: Waveform) -> Embedding:
        """Embed one waveform of any length: a unit vector ``(dim,)``."""

    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, part in zip(vectors, parts, strict=True):
            row[:] = self.embed_part(part)
        return vectors


class OnnxEncoder(SessionEncoder):
    """Encoder from a file that :func:`diarspk.encoders.onnx.export_encoder` has written.

    Its fingerprint is that of the exported encoder: the embedding space is the same. A clip that is
    too short is repeated or zero-padded, as by the exported encoder.

    Parameters
    ----------
    session
        From :func:`open_session`.
    facts
        Metadata of the file.
    """

    def __init__(
        self, session: Any, facts: Mapping[str, str], config: WindowConfig | None = None
    ) -> None:
        super().__init__(
            session,
            sample_rate=int(facts["sample_rate"]),
            dimension=int(facts["dimension"]),
            fingerprint=facts["fingerprint"],
            config=config,
        )
        self._minimum, self._repeats = int(facts["minimum_samples"]), facts["repeats"] == "1"

    def embed_part(self, part: Waveform) -> Embedding:
        """See :meth:`SessionEncoder.embed_part`."""
        waveform = np.ascontiguousarray(self._lengthened(part)[None])
        (vector,) = self.session.run([OUTPUTS[0]], {INPUT: waveform})[0]
        return np.asarray(vector)

    def _lengthened(self, part: Waveform) -> Waveform:
        missing = self._minimum - len(part)
        if missing <= 0:
            return part
        return np.resize(part, self._minimum) if self._repeats else np.pad(part, (0, missing))
