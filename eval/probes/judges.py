"""Whose voice log-mel features are: by an encoder that reads them, or by one that wants sound.

The encoder that made the cue must not be the only judge: a synthesiser may please it alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ModelError
from diarspk.features.log_mel import FeatureConfig, LogMel, gated_level
from diarspk.features.recording import Recording
from eval.systems.registry import EMBEDDERS, Embed, load_embedder

if TYPE_CHECKING:
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.windowed import WindowedEncoder

__all__ = [
    "Judge",
    "judge_features",
    "judge_network",
    "judge_sound",
    "load_judge",
    "reads_features",
    "remember",
    "sound_of",
]

Features = NDArray[np.float32]

Judge = Callable[[Features], NDArray[np.float32]]
"""Log-mel features ``(frames, 80)`` -> unit vector ``(dim,)``."""

MELS = FeatureConfig().mels
ROUNDS = 32
LEVEL = 0.05  # root mean square of sound made from features, which have lost theirs


def load_judge(name: str) -> Judge:
    """Judge of an encoder's name: from features where it reads them, else from sound.

    Raises
    ------
    ArgumentError, ModelError
        If there is no such encoder, or it cannot be loaded.
    """
    if name in EMBEDDERS and name != "diarspk":
        return judge_sound(load_embedder(name))
    from diarspk import load_encoder
    from diarspk.encoders.local.encoder import LocalEncoder
    from diarspk.encoders.windowed import WindowedEncoder

    encoder = load_encoder(None if name == "diarspk" else name)
    if isinstance(encoder, LocalEncoder):
        return judge_features(encoder)
    if isinstance(encoder, WindowedEncoder) and reads_features(encoder):
        return judge_network(encoder)
    return judge_sound(lambda waveforms: encoder.embed_batch(waveforms, SAMPLE_RATE))


def remember(judge: Judge) -> Judge:
    """Judge the same features once: probes come back to the same recordings and outputs."""
    known: dict[bytes, NDArray[np.float32]] = {}

    def remembered(log_mel: Features) -> NDArray[np.float32]:
        key = hashlib.sha256(np.ascontiguousarray(log_mel).tobytes()).digest()
        if key not in known:
            known[key] = judge(log_mel)
        return known[key]

    return remembered


def judge_features(encoder: LocalEncoder) -> Judge:
    """Embed features as the encoder would those of a recording."""
    shift = encoder.log_mel.config.frame_shift_ms / 1000

    def judge(log_mel: Features) -> NDArray[np.float32]:
        import torch

        level = float(gated_level(torch.from_numpy(np.asarray(log_mel, np.float32))))
        duration = len(log_mel) * shift
        recording = Recording("", log_mel.astype(np.float16), level, duration, shift)
        return encoder.embed_spans(recording, [(0.0, duration)])[0]

    return judge


def reads_features(encoder: WindowedEncoder) -> bool:
    """Whether an encoder reads these features, but for the window and a constant.

    The mean over time, which it takes off, holds the constant and most of the window.
    """
    from diarspk.encoders.front_end import MelFrontEnd

    front_end, own = encoder.front_end, FeatureConfig()
    if not isinstance(front_end, MelFrontEnd):
        return False
    config = front_end.config
    return (config.mels, config.sample_rate, config.frame_shift_samples) == (
        own.mels,
        own.sample_rate,
        own.frame_shift_samples,
    )


def judge_network(encoder: WindowedEncoder) -> Judge:
    """Embed features less their mean over time: no sound has to be made for the judge."""

    def judge(log_mel: Features) -> NDArray[np.float32]:
        import torch

        repeated = np.resize(log_mel, (max(len(log_mel), encoder.network.minimum), MELS))
        centred = torch.from_numpy((repeated - repeated.mean(axis=0)).astype(np.float32))
        with torch.inference_mode():
            return np.asarray(unit_vector(encoder.network(centred[None])[0].numpy()), np.float32)

    return judge


def judge_sound(embed: Embed) -> Judge:
    """Embed the sound that :func:`sound_of` makes of features."""
    return lambda log_mel: embed([sound_of(log_mel)])[0]


def sound_of(log_mel: Features) -> NDArray[np.float32]:
    """Sound with about these features, by Griffin and Lim's algorithm: no vocoder to train.

    Good enough to tell voices apart, not for an audience. The same features give the same sound.

    Raises
    ------
    ModelError
        If librosa is not installed.
    """
    try:
        import librosa
    except ImportError as error:
        raise ModelError("judging sound needs librosa; pip install 'diarspk[cues]'") from error
    config = FeatureConfig()
    bins = config.fft_size // 2
    filters = LogMel(config).filters.numpy().astype(np.float64)  # (bins, mels)
    power = np.maximum(np.exp(log_mel.astype(np.float64)) @ np.linalg.pinv(filters), 0)
    turn = np.exp(-2j * np.pi * np.arange(bins) / config.fft_size)
    emphasis = np.abs(1 - config.preemphasis * turn)
    spectrum = np.pad(np.sqrt(power) / emphasis, ((0, 0), (0, 1)))  # (frames, bins + 1)
    sound = librosa.griffinlim(
        spectrum.T,
        n_iter=ROUNDS,
        hop_length=config.frame_shift_samples,
        win_length=config.frame_length_samples,
        n_fft=config.fft_size,
        window=config.window,
        center=False,
        random_state=0,
    )
    return (sound * LEVEL / max(float(np.sqrt(np.mean(sound**2))), 1e-9)).astype(np.float32)
