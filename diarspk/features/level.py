"""Level of the speech of a recording, which loud events of other kinds do not change.

The networks read features relative to the level of their recording. A gated mean alone follows the
loudest event: a knock of 0.15 s, or one faulty sample, would put a minute of speech so far below
the level that none of it is found.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["CEILING", "GATE_DB", "clip_features", "speech_level"]

GATE_DB = 10.0
"""Frames more than this below the mean power are not loud."""

LAYERS = 12
"""Maximum number of sets of loud frames that are looked at."""

NATURAL = math.log(10) / 10
"""Natural log power of a decibel."""

PEAK_DB = 15.0
"""Loud frames that are peaks: so far above the mean of the loud frames' levels in dB."""

BEND_DB = 6.0
"""Share of the level in dB from which on it is that of the peaks; up to 4.6 in conversations."""

REACH_FRAMES = 25
"""Frames on each side over which loud frames are counted and their variation is measured."""

MIN_LOUD = 20
"""Loud frames among those, below which a sound is a knock or a click rather than a syllable."""

MIN_DEVIATION_DB = 1.5
"""Standard deviation in dB over those: 0 of a tone, 0.7 of stationary noise, 3 to 5 of speech."""

MIN_STEP_DB = 0.5
"""Change in dB from one frame to the next; a tone that is switched on and off has none inside."""

MIN_SHARE = 0.35
"""Share of the loud frames that must vary, and change: 0.54 or more in conversations, and of one
or the other less than 0.25 in beeps, rings, dial tones, knocks and stationary noise."""

MIN_FRAMES = 50
"""Minimum number of frames that vary, half a second: a slammed door varies as speech does."""

EVENTS = ((300, 3.0, 0.0), (600, 2.0, 30.0))
"""Events that vary as speech does, such as claps, barks, rings or a siren: the loud frames that
they have at most, the frames of speech for each of them, and the dB by which they stand above it.
In the conversations of the development sets, and in each 20 s of them, no speech is taken for one.
"""

CEILING = 5.0
"""Natural log power above the level: 22 dB, which one value in 2,000 of conversations exceeds."""


def speech_level(power: Tensor) -> Tensor:
    """Level of speech: the natural log of the mean power of the loud frames that are speech.

    The loud frames, as in :func:`diarspk.features.log_mel.gated_level`, are taken for speech if
    their power varies as that of syllables does: neither in isolated peaks nor hardly at all. If
    they are a knock, a beep or a faulty sample, they are left out and the loud frames of the rest
    are looked at, until some are speech. So are peaks among them that are no speech and have most
    of the power. Seconds of something that does vary as speech, such as claps or a siren, are left
    out where what follows below is speech, and much longer; see :data:`EVENTS`. Where nothing is
    speech, the level is that of the loudest.

    Shape
    -----
    mean mel power of each frame ``(batch, frames)`` -> ``(batch,)``

    Notes
    -----
    It takes one pass over the frames where nothing is louder than speech, and all of them while a
    graph is exported.
    """
    decibels = 10 * power.clamp_min(torch.finfo(torch.float32).tiny).log10().float()
    kept = torch.ones_like(power, dtype=torch.bool)
    level, found = torch.zeros_like(power[:, 0]), torch.zeros_like(kept[:, 0])
    size = torch.zeros_like(level)  # frames of the layer that was found
    for layer in range(LAYERS):
        loud = kept & (power >= _mean(power, kept)[:, None] * 10 ** (-GATE_DB / 10))
        mean = _mean(power, loud)
        peaks = loud & (decibels > _mean(decibels, loud)[:, None] + PEAK_DB)
        bent = mean > _mean(power, loud & ~peaks) * 10 ** (BEND_DB / 10)
        bent = bent & ~_is_speech(decibels, peaks)
        speech = _is_speech(decibels, loud) & ~bent
        count = loud.float().sum(1)
        mean_log = mean.clamp_min(torch.finfo(torch.float32).tiny).log()
        buried = torch.zeros_like(found)
        for frames, ratio, drop_db in EVENTS:
            lower = mean_log <= level - drop_db * NATURAL
            buried = buried | (size < frames) & (count >= ratio * size) & lower
        # The level of the loudest layer stands until another one is found to be speech.
        changed = speech & (~found | buried) if layer else torch.ones_like(found)
        size = torch.where(changed & speech, count, size)
        level = torch.where(changed, mean_log, level)
        left_out = loud & (peaks | ~bent[:, None])  # no `where`, which onnxruntime lacks for bool
        found, kept = found | speech, kept & ~left_out
        sure = found & (size >= EVENTS[-1][0])
        if not torch.onnx.is_in_onnx_export() and bool((sure | ~kept.any(1)).all()):
            break
    return level


def clip_features(features: Tensor) -> Tensor:
    """Clip features less the level of speech, so that an event does not blind what is beside it."""
    return features.clamp_max(CEILING)


def _is_speech(decibels: Tensor, loud: Tensor) -> Tensor:
    """Whether the loud frames of ``(batch, frames)`` vary as speech does: ``(batch,)``."""
    weight = loud.float()
    count = _window_sum(weight)
    dense = loud & (count >= MIN_LOUD)
    # Around the mean, since the difference of two large sums has few digits.
    centred = (decibels - _mean(decibels, loud)[:, None]) * weight
    mean = _window_sum(centred) / count.clamp_min(1)
    variance = _window_sum(centred * centred) / count.clamp_min(1) - mean * mean
    varied = (dense & (variance >= MIN_DEVIATION_DB**2)).float().sum(1)
    steps = (decibels[:, 1:] - decibels[:, :-1]).abs() >= MIN_STEP_DB
    changing = (steps & dense[:, 1:] & loud[:, :-1]).float().sum(1)
    enough = MIN_SHARE * weight.sum(1)
    return (varied >= enough) & (changing >= enough) & (varied >= MIN_FRAMES)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    weight = mask.to(values.dtype)
    return (values * weight).sum(1) / weight.sum(1).clamp_min(1)


def _window_sum(values: Tensor) -> Tensor:
    """Sum over the frames at most :data:`REACH_FRAMES` away."""
    size = 2 * REACH_FRAMES + 1
    return nn.functional.avg_pool1d(values[:, None], size, 1, REACH_FRAMES)[:, 0] * size
