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
        Threads of one run; PyTorch's number where it is left out, so that engines compare.

    Raises
    ------
    ModelError
        If onnxruntime is missing, or this is no graph that it can run.
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
    """A graph that onnxruntime runs; clips run one after the other, so that none is padded.

    Parameters
    ----------
    session
        From :func:`open_session`.
    sample_rate
        Rate in Hz that audio is brought to.
    dimension
        Length of an embedding.
    fingerprint
        Identifies the embedding space.
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
        """Rate in Hz that audio is brought to."""
        return self._rate

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    @property
    def fingerprint(self) -> str:
        """Identifies the embedding space."""
        return self._fingerprint

    @abstractmethod
    def embed_part(self, part: Waveform) -> Embedding:
        """Embed a waveform of any length: a unit vector ``(dim,)``."""

    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, part in zip(vectors, parts, strict=True):
            row[:] = self.embed_part(part)
        return vectors


class OnnxEncoder(SessionEncoder):
    """What :func:`diarspk.encoders.onnx.export_encoder` has written; it needs no network classes.

    Its fingerprint is that of the exported encoder: the space is the same. What is too short for
    the network is repeated until it is long enough, or padded with zeros, as the original did.

    Parameters
    ----------
    session
        From :func:`open_session`.
    facts
        The metadata of the file.
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
