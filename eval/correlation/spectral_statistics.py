"""Encoders without a network: mean and deviation over time of spectral features."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.systems.registry import Embed

__all__ = ["FEATURES", "S3PRL", "load_statistics"]

MFCC_COUNT = 20
S3PRL = "s3prl:"
FEATURES = ("mfcc", "log-mel", f"{S3PRL}NAME")

Frames = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Waveform at 16 kHz -> features ``(frames, channels)``."""


def load_statistics(feature: str) -> Embed:
    """Embed waveforms as mean and deviation of a feature, ``(n, 2 * channels)``.

    Parameters
    ----------
    feature : str
        ``mfcc``: of cepstra 1 to 19, with the deviation of the energy and without its mean, which
        is the level; ``log-mel``: of 80 bins less their common mean, likewise; ``s3prl:NAME``: of
        an upstream of S3PRL that needs no weights.

    Raises
    ------
    ArgumentError
        If there is no such feature.
    ModelError
        If s3prl is not installed.
    """
    if feature == "mfcc":
        return lambda waveforms: _stack(waveforms, _log_mel, _cepstral)
    if feature == "log-mel":
        return lambda waveforms: _stack(waveforms, _log_mel, _spectral)
    if feature.startswith(S3PRL):
        frames = _load_upstream(feature.removeprefix(S3PRL))
        return lambda waveforms: _stack(waveforms, frames, _moments)
    raise ArgumentError(f"`source` must be one of {', '.join(FEATURES)}, got {feature!r}")


def _stack(
    waveforms: Sequence[NDArray[np.float32]], frames: Frames, describe: Frames
) -> NDArray[np.float32]:
    rows = [describe(frames(waveform)) for waveform in waveforms]
    return np.array(rows, np.float32).reshape(len(rows), -1 if rows else 0)


def _log_mel(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    from diarspk.features.log_mel import LogMel

    with torch.inference_mode():
        found: NDArray[np.float32] = LogMel()(
            torch.from_numpy(np.ascontiguousarray(waveform))[None]
        )[0].numpy()
    return found


def _cepstral(mels: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.fft import dct

    cepstra = dct(mels, norm="ortho", axis=1)[:, :MFCC_COUNT]
    return np.concatenate([cepstra[:, 1:].mean(0), cepstra.std(0)])


def _spectral(mels: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = mels.mean(0)
    return np.concatenate([shape - shape.mean(), mels.std(0)])


def _moments(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([frames.mean(0), frames.std(0)])


def _load_upstream(name: str) -> Frames:
    import torch

    from diarspk.encoders.s3prl import UpstreamConfig, load_upstream

    upstream = load_upstream(UpstreamConfig(name)).eval()

    def frames(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = upstream(torch.from_numpy(waveform.copy())[None])[0][
                0
            ].numpy()
        return found

    return frames
