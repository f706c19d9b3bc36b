"""Silero VAD, Resemblyzer and spectralcluster, put together as their documentation shows.

Silero VAD at its defaults finds speech, Resemblyzer embeds windows of 1.6 s every 0.8 s of each
stretch of it (its own layout of partial utterances: a last window that is less than three
quarters full is left out, a fuller one padded with zeros, a shorter stretch is one window), and
spectralcluster in its turn-to-diarize configuration names the speakers.

A request has ``audio``, the path of a WAV of one channel at 16 kHz, and ``peak_normalized``; the
answer has ``speech`` and ``windows``, each (start, end) in seconds, and a ``label`` per window.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from eval.systems.workers.resemblyzer import DIMENSION, SAMPLE_RATE, load_voice_encoder
from eval.systems.workers.serving import Handler, serve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP_S = 0.8


def load() -> Handler:
    import numpy as np
    import soundfile
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    detector = load_silero_vad(onnx=True)
    encoder = load_voice_encoder()

    def diarize(request: dict[str, Any]) -> dict[str, Any]:
        waveform, _ = soundfile.read(request["audio"], dtype="float32")
        if request["peak_normalized"]:
            waveform = waveform / max(float(np.abs(waveform).max()), 1e-9)
        found = get_speech_timestamps(torch.from_numpy(waveform), detector)
        speech = [(turn["start"] / SAMPLE_RATE, turn["end"] / SAMPLE_RATE) for turn in found]
        windows: list[tuple[float, float]] = []
        embeddings = [np.zeros((0, DIMENSION), np.float32)]
        for start, end in speech:
            stretch = waveform[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            _, vectors, slices = encoder.embed_utterance(
                stretch, return_partials=True, rate=1 / STEP_S
            )
            spans = [(one.start / SAMPLE_RATE, one.stop / SAMPLE_RATE) for one in slices]
            windows += [(start + first, min(start + last, end)) for first, last in spans]
            embeddings.append(vectors)
        labels = _cluster(np.concatenate(embeddings))
        return {"speech": speech, "windows": windows, "labels": labels.tolist()}

    return diarize


def _cluster(embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    import numpy as np
    from spectralcluster.configs import turntodiarize_clusterer

    if len(embeddings) < 3:  # spectralcluster 0.2.22 fails for fewer (UnboundLocalError)
        return np.zeros(len(embeddings), np.int64)
    # Its AutoTune narrows its own range with every recording that it clusters, so that what it
    # makes of one would depend on those before: each recording has a clusterer as configured.
    labels: NDArray[np.int64] = deepcopy(turntodiarize_clusterer).predict(embeddings)
    return labels


if __name__ == "__main__":
    serve(load, ["silero-vad", "resemblyzer", "spectralcluster", "torch", "numpy", "onnxruntime"])
