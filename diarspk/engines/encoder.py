"""A speaker encoder from an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import ClipEncoder, Waveform, WindowConfig
from diarspk.engines.exporting import INPUT, OUTPUTS

__all__ = ["OnnxEncoder"]


class OnnxEncoder(ClipEncoder):
    """What :func:`diarspk.engines.export_encoder` has written; it needs no network classes.

    Clips run one after the other, so that none is padded. What is too short for the network is
    repeated until it is long enough, or padded with zeros, as the original did.

    Parameters
    ----------
    session
        From :func:`diarspk.engines.sessions.open_session`.
    facts
        The metadata of the file.
    """

    def __init__(
        self, session: Any, facts: Mapping[str, str], config: WindowConfig | None = None
    ) -> None:
        self.session = session
        self.config = config or WindowConfig()
        self._rate, self._dimension = int(facts["sample_rate"]), int(facts["dimension"])
        self._fingerprint = facts["fingerprint"]
        self._minimum, self._repeats = int(facts["minimum_samples"]), facts["repeats"] == "1"

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
        """That of the exported encoder: the space is the same."""
        return self._fingerprint

    def embed_parts(self, parts: Sequence[Waveform]) -> Embedding:
        """See :meth:`ClipEncoder.embed_parts`."""
        vectors = np.zeros((len(parts), self.dimension), np.float32)
        for row, part in zip(vectors, parts, strict=True):
            waveform = np.ascontiguousarray(self._lengthened(part)[None])
            (row[:],) = self.session.run([OUTPUTS[0]], {INPUT: waveform})[0]
        return vectors

    def _lengthened(self, part: Waveform) -> Waveform:
        missing = self._minimum - len(part)
        if missing <= 0:
            return part
        return np.resize(part, self._minimum) if self._repeats else np.pad(part, (0, missing))
