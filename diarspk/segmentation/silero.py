"""Silero VAD as the segmenter: one local speaker per short window, no overlap."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE, AudioStream
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.errors import ArgumentError, ModelError
from diarspk.features.level import speech_level
from diarspk.segmentation.segmenter import Segmentation, SteppedWindows
from diarspk.segmentation.windows import WindowGrid

__all__ = ["SileroNetwork", "SileroSegmenter"]

CHUNK_SAMPLES = 512
CONTEXT_SAMPLES = 64
FRAMES, FRAME_SAMPLES = 50, 160  # of half a second
MIN_POWER = 1e-12
"""Power that silence counts as, since a level is a logarithm."""

TARGET_RMS = 0.1
"""Level of speech that the detector was made for: quiet recordings are brought up to it."""


class SileroSegmenter(SteppedWindows):
    """Voice activity from the Silero VAD 6 package (MIT licence, ``pip install diarspk[silero]``).

    The ONNX file is run directly, so the package's own requirement of torchaudio plays no part.

    Parameters
    ----------
    threshold
        Probability above which a frame is speech. The pipeline's own threshold is 0.5: this one is
        mapped to it.
    window_s, step_s
        Windows that are embedded, in seconds.
    """

    speakers = 1

    def __init__(
        self, *, threshold: float = 0.15, window_s: float = 1.5, step_s: float = 0.75
    ) -> None:
        self.threshold, self.window_s, self.step_s = threshold, window_s, step_s
        self._network = SileroNetwork()

    def segment(
        self, stream: AudioStream | None, windows: WindowGrid, trunk: LocalEncoder
    ) -> Segmentation:
        """Run the detector over the recording, at the level it was made for."""
        if stream is None:
            raise ArgumentError("`stream` must be the recording, which Silero VAD reads; got None")
        gain = TARGET_RMS / max(_loud_rms(stream), 1e-6)
        seconds = CHUNK_SAMPLES / SAMPLE_RATE
        chunks = self._network(block * gain for block in stream.blocks(seconds))
        centre = windows.start + windows.hop * np.arange(windows.frames)
        index = (centre * SAMPLE_RATE / CHUNK_SAMPLES).astype(np.int64)
        speech = _map_threshold(chunks[np.minimum(index, len(chunks) - 1)], self.threshold)

        def local_speakers(frames: Tensor, first: NDArray[np.int64]) -> NDArray[np.float32]:
            length = frames.shape[1]
            return np.stack([speech[start : start + length, None] for start in first.tolist()])

        return local_speakers


class SileroNetwork:
    """The recurrent network itself: probability of speech in every chunk of 32 ms."""

    def __init__(self) -> None:
        self.session = _open_session()

    def __call__(self, chunks: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Probability of speech of consecutive chunks of 512 samples (the last may be shorter)."""
        state = np.zeros((2, 1, 128), np.float32)
        context = np.zeros(CONTEXT_SAMPLES, np.float32)
        rate = np.array(SAMPLE_RATE, np.int64)
        probabilities = []
        for chunk in chunks:
            chunk = np.clip(chunk, -1, 1)
            chunk = np.pad(chunk, (0, CHUNK_SAMPLES - len(chunk)))
            samples = np.concatenate([context, chunk])[None]
            output, state = self.session.run(None, {"input": samples, "state": state, "sr": rate})
            context = chunk[-CONTEXT_SAMPLES:]
            probabilities.append(float(output[0, 0]))
        return np.array(probabilities, np.float32)


def _open_session() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("onnxruntime is not installed: pip install 'diarspk[silero]'") from error
    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        raise ModelError("silero-vad is not installed: pip install 'diarspk[silero]'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # chunks are tiny
    model = Path(spec.origin).parent / "data" / "silero_vad.onnx"
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _loud_rms(stream: AudioStream) -> float:
    """Root mean square of the louder half seconds: those within 10 dB of the mean power.

    Frames of 10 ms count for 10 dB above the level of speech at most, so that a knock in a half
    second of silence is not the recording's level.
    """
    blocks = stream.blocks(0.5)
    frames = np.concatenate([_frame_powers(block) for block in blocks])  # (frames,)
    level = float(speech_level(torch.from_numpy(frames)[None] + MIN_POWER).exp())
    limited = np.minimum(frames, 10 * level)
    power = np.add.reduceat(limited, range(0, len(frames), FRAMES)) / FRAMES
    loud = power[power >= power.mean() / 10]
    return float(np.sqrt(loud.mean()))


def _frame_powers(block: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power of each 10 ms of half a second; what a last block lacks counts as silence."""
    padded = np.pad(block, (0, FRAMES * FRAME_SAMPLES - len(block)))
    return np.square(padded.reshape(FRAMES, FRAME_SAMPLES), dtype=np.float64).mean(axis=1)


def _map_threshold(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Stretch probabilities piecewise so that ``threshold`` comes to lie at 0.5."""
    return np.interp(probability, [0.0, threshold, 1.0], [0.0, 0.5, 1.0]).astype(np.float32)
