"""Resemblyzer's d-vector encoder on the CPU, on waveforms as they are: no trimming, no gain.

A request names two files: ``waveforms``, an NPZ of waveforms at 16 kHz of any lengths, and
``embeddings``, the NPY to write: unit vectors ``(n, 256)`` of float32.
"""

from __future__ import annotations

import warnings
from typing import Any

from eval.systems.workers.serving import Handler, serve

__all__ = ["load_voice_encoder"]

SAMPLE_RATE = 16000
DIMENSION = 256


def load_voice_encoder() -> Any:
    """Resemblyzer's encoder, warmed up."""
    import numpy as np

    with warnings.catch_warnings():
        # webrtcvad, which Resemblyzer imports for trimming, reads its own version by
        # pkg_resources, and setuptools 81 warns of that at length.
        warnings.simplefilter("ignore")
        from resemblyzer import VoiceEncoder

    encoder = VoiceEncoder("cpu", verbose=False)
    # librosa compiles its filters at the first call (up to half a minute): not a cost of the
    # first recording.
    encoder.embed_utterance(np.full(SAMPLE_RATE, 1e-3, np.float32))
    return encoder


def load() -> Handler:
    import numpy as np

    encoder = load_voice_encoder()

    def embed(request: dict[str, Any]) -> dict[str, Any]:
        with np.load(request["waveforms"]) as stored:
            vectors = [encoder.embed_utterance(stored[name]) for name in stored.files]
        np.save(request["embeddings"], np.array(vectors, np.float32).reshape(-1, DIMENSION))
        return {}

    return embed


if __name__ == "__main__":
    serve(load, ["resemblyzer", "torch", "numpy", "librosa"])
