"""Log-mel features of a whole recording, which every stage after decoding reads.

They are stored in half precision: 58 MB an hour, whatever the rate and format of the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diarspk.audio import SAMPLE_RATE
from diarspk.audio.source import Samples
from diarspk.features.level import clip_features, speech_level
from diarspk.features.log_mel import LogMel
from diarspk.features.recording_quality import RecordingQuality, measure_quality

if TYPE_CHECKING:
    from diarspk.audio import AudioStream

__all__ = ["Recording", "analyse"]

BLOCK_S = 20.0
FULL_SCALE = 0.999
MAX_EXPECTED_S = 24 * 3600.0
"""Maximum duration for which a header is trusted to allocate memory."""


@dataclass(frozen=True, repr=False)
class Recording:
    """Log-mel features of a recording, with the level that makes them independent of gain.

    Attributes
    ----------
    uri : str
        Name of the recording, as written to RTTM.
    features : ndarray of float16, ``(frames, mels)``
    level : float
        Level of speech in natural log power; see :func:`diarspk.features.level.speech_level`.
    duration : float
        Duration in seconds.
    frame_shift : float
        Seconds from one frame to the next.
    quality : RecordingQuality, optional
        What makes it doubtful that its speech is found.
    """

    uri: str
    features: NDArray[np.float16]
    level: float
    duration: float
    frame_shift: float
    quality: RecordingQuality | None = None

    def __repr__(self) -> str:
        return f"Recording({self.uri!r}, {self.duration:.1f} s, {len(self.features)} frames)"

    def normalized(self, first: int, last: int) -> Tensor:
        """Level-normalised features of frames ``first`` to ``last``, clipped to the recording.

        Returns
        -------
        Tensor
            ``(frames, mels)`` float32: log-mel features less :attr:`level`, at most
            :data:`~diarspk.features.level.CEILING`.
        """
        part = self.features[max(first, 0) : max(last, 0)]
        return clip_features(torch.from_numpy(part.astype(np.float32)) - self.level)


def analyse(
    stream: AudioStream,
    log_mel: LogMel,
    *,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Compute the log-mel features of a recording block by block.

    Parameters
    ----------
    stream
        Audio at 16 kHz, in blocks of any length.
    log_mel
        Front end of the encoder that will read the features.
    progress
        Called with the seconds read so far.
    """
    framer, shift = _Framer(log_mel), log_mel.config.frame_shift_ms / 1000
    buffer = _FeatureBuffer(stream.expected_duration or 0.0, shift, log_mel.config.mels)
    rail = _Rail()
    for block in _read_ahead(stream.blocks(BLOCK_S)):
        rail.push(block)
        for features in framer.push(block):
            buffer.push(features)
        if progress is not None:
            progress(framer.samples / SAMPLE_RATE)
    if not buffer.frames:  # shorter than one frame
        buffer.push(framer.flush())
    powers = buffer.powers[: buffer.frames]
    level = float(speech_level(torch.from_numpy(powers)[None]))
    return Recording(
        uri=stream.name,
        features=buffer.features[: buffer.frames],
        level=level,
        duration=framer.samples / SAMPLE_RATE,
        frame_shift=shift,
        quality=measure_quality(level, powers, rail.share),
    )


def _read_ahead(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """Decode each block in another thread while the one before it is processed."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = thread.submit(next, blocks, None)
            yield block


class _Rail:
    """Share of samples at full scale; 0 where most go far beyond, which have another scale."""

    def __init__(self) -> None:
        self.samples, self.at_rail, self.beyond = 0, 0, 0

    def push(self, block: Samples) -> None:
        """Count the samples of a block."""
        magnitude = np.abs(block)
        self.samples += len(block)
        self.at_rail += int(np.count_nonzero(magnitude >= FULL_SCALE))
        self.beyond += int(np.count_nonzero(magnitude > 4 * FULL_SCALE))

    @property
    def share(self) -> float:
        """Share in [0, 1]."""
        return self.at_rail / self.samples if self.beyond < self.at_rail / 2 else 0.0


class _FeatureBuffer:
    """Features and powers of the frames so far, in arrays allocated for the expected duration.

    A list of blocks would fragment the heap: between the large temporary arrays of the transform,
    blocks that stay leave gaps of more memory than they hold.
    """

    def __init__(self, seconds: float, frame_shift: float, mels: int) -> None:
        room = math.ceil(min(seconds, MAX_EXPECTED_S) / frame_shift) + 1
        self.features = np.empty((room, mels), np.float16)
        self.powers = np.empty(room, np.float64)
        self.frames = 0

    def push(self, features: Tensor) -> None:
        """Take in ``(frames, mels)``."""
        end = self.frames + len(features)
        if end > len(self.powers):  # the duration is unknown, or the header wrong
            room = max(end, 2 * len(self.powers))
            self.features = _enlarged(self.features, room)
            self.powers = _enlarged(self.powers, room)
        self.features[self.frames : end] = features.half().numpy(force=True)
        self.powers[self.frames : end] = features.exp().mean(-1).numpy(force=True)
        self.frames = end


def _enlarged(array: NDArray[Any], room: int) -> NDArray[Any]:
    """Copy into a longer array."""
    longer = np.empty((room, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


class _Framer:
    """Framing of consecutive blocks, equal to that of the whole signal at once."""

    def __init__(self, log_mel: LogMel) -> None:
        self.log_mel = log_mel
        self.rest = np.zeros(0, np.float32)  # samples that the next frame still needs
        self.samples = 0

    def push(self, block: NDArray[np.float32]) -> Iterator[Tensor]:
        """Yield at most one ``(frames, mels)``: frames complete with this block."""
        config = self.log_mel.config
        length, shift = config.frame_length_samples, config.frame_shift_samples
        self.samples += len(block)
        self.rest = np.concatenate([self.rest, block])
        frames = 1 + (len(self.rest) - length) // shift
        if frames > 0:
            yield self.transform(self.rest[: (frames - 1) * shift + length])
            self.rest = self.rest[frames * shift :]

    def flush(self) -> Tensor:
        return self.transform(self.rest)

    def transform(self, samples: NDArray[np.float32]) -> Tensor:
        with torch.inference_mode():
            waveform = torch.from_numpy(samples.copy()).to(self.log_mel.filters.device)
            return self.log_mel(waveform[None])[0]
