"""A speaker encoder from an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diarspk.encoders.base import Embedding
from diarspk.encoders.clips import Waveform, WindowConfig
from diarspk.encoders.onnx.clips import SessionEncoder
from diarspk.encoders.onnx.exporting import INPUT, OUTPUTS

__all__ = ["OnnxEncoder"]


class OnnxEncoder(SessionEncoder):
    """What :func:`diarspk.encoders.onnx.export_encoder` has written; it needs no network classes.

    Its fingerprint is that of the exported encoder: the space is the same. What is too short for
    the network is repeated until it is long enough, or padded with zeros, as the original did.

    Parameters
    ----------
    session
        From :func:`diarspk.encoders.onnx.sessions.open_session`.
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
