"""How much of timbre, pitch and energy a synthesiser takes from its cue: explained variance.

What a decoder makes is compared with the recording itself, frame by frame. A figure of 1 is all of
it, 0 what a constant would do. Within a speaker, both sides are less their mean over the speaker's
utterances: what is left is how somebody speaks at one time and not at another, which is style.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from diarspk.verification.confidence_interval import Interval

__all__ = ["Carried", "Spoken", "measure_style"]

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Spoken:
    """An utterance, and what a decoder makes of its content with a cue.

    Attributes
    ----------
    speaker : str
    log_mel, made_log_mel : ndarray, ``(frames, mels)``
        See :func:`eval.probes.synthesis.log_mel_of`.
    pitch, made_pitch : ndarray, ``(frames,)``
        In octaves; the former is NaN where unvoiced, and there the latter does not count.
    """

    speaker: str
    log_mel: Floats
    made_log_mel: Floats
    pitch: Floats
    made_pitch: Floats


@dataclass(frozen=True)
class Carried:
    """Explained variance of one factor.

    Attributes
    ----------
    factor : str
    all, within : Interval
        Over all utterances, and within speakers; 95 % of a bootstrap over speakers. Both are the
        same for contours, which have no mean.
    """

    factor: str
    all: Interval
    within: Interval


Pair = tuple[Floats, Floats]


def _spectrum(one: Spoken) -> Pair:
    return one.log_mel.mean(axis=0), one.made_log_mel.mean(axis=0)


def _pitch_level(one: Spoken) -> Pair:
    return _voiced(one, np.mean)


def _pitch_range(one: Spoken) -> Pair:
    return _voiced(one, np.std)


def _energy_range(one: Spoken) -> Pair:
    real, made = _energies(one)
    return np.array([real.std()]), np.array([made.std()])


def _pitch_contour(one: Spoken) -> Pair:
    voiced = np.isfinite(one.pitch)
    return _less_mean(one.pitch[voiced]), _less_mean(one.made_pitch[voiced])


def _energy_contour(one: Spoken) -> Pair:
    real, made = _energies(one)
    return _less_mean(real), _less_mean(made)


LEVELS: dict[str, Callable[[Spoken], Pair]] = {
    "mean spectrum": _spectrum,
    "mean pitch": _pitch_level,
    "pitch range": _pitch_range,
    "energy range": _energy_range,
}
"""One value, or one vector, of an utterance."""

CONTOURS: dict[str, Callable[[Spoken], Pair]] = {
    "pitch contour": _pitch_contour,
    "energy contour": _energy_contour,
}
"""The course over time, less its mean."""


def measure_style(
    spoken: Sequence[Spoken], *, resamples: int = 200, seed: int = 0
) -> list[Carried]:
    """Measure every factor.

    Raises
    ------
    ArgumentError
        If there are no utterances, or lengths differ.
    """
    if not spoken:
        raise ArgumentError("`spoken` must be one utterance at least, got none")
    for one in spoken:
        lengths = {len(one.log_mel), len(one.made_log_mel), len(one.pitch), len(one.made_pitch)}
        if len(lengths) > 1:
            raise ArgumentError(f"`spoken` must have as many frames made as real, got {lengths}")
    voiced = [one for one in spoken if np.isfinite(one.pitch).any()]
    found = []
    for factor, read in (LEVELS | CONTOURS).items():
        chosen = voiced if "pitch" in factor else spoken
        names, group = np.unique([one.speaker for one in chosen], return_inverse=True)
        pairs = [read(one) for one in chosen]
        if factor in CONTOURS:
            errors = [(float(np.sum((r - m) ** 2)), float(np.sum(r**2))) for r, m in pairs]
            interval = _explained(np.array(errors), group, len(names), resamples, seed)
            found.append(Carried(factor, interval, interval))
            continue
        real, made = (np.stack(side) for side in zip(*pairs, strict=True))
        every = _explained(
            _errors(real - real.mean(axis=0), made - real.mean(axis=0)),
            group,
            len(names),
            resamples,
            seed,
        )
        inside = _errors(_within(real, group), _within(made, group))
        found.append(Carried(factor, every, _explained(inside, group, len(names), resamples, seed)))
    return found


def _errors(real: Floats, made: Floats) -> Floats:
    """Squares of the error, and of what there is to explain, ``(utterances, 2)``."""
    return np.stack([((real - made) ** 2).sum(axis=1), (real**2).sum(axis=1)], axis=1)


def _within(values: Floats, group: NDArray[np.intp]) -> Floats:
    """Values ``(utterances, n)`` less the mean of each group."""
    counts = np.bincount(group)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, group, values)
    return values - (sums / counts[:, None])[group]


def _explained(
    errors: Floats, group: NDArray[np.intp], groups: int, resamples: int, seed: int
) -> Interval:
    """Explained variance of errors ``(utterances, 2)``, with a bootstrap over groups."""
    sums = np.zeros((groups, 2))
    np.add.at(sums, group, errors)
    draws = np.random.default_rng(seed).integers(groups, size=(resamples, groups))
    drawn = sums[draws].sum(axis=1)
    shares = [_share(*one) for one in (sums.sum(axis=0), *drawn)]
    drawable = [one for one in shares[1:] if np.isfinite(one)]
    if not drawable:  # nothing varies: there is nothing to explain
        return Interval(shares[0], float("nan"), float("nan"))
    low, high = np.quantile(drawable, [0.025, 0.975]).tolist()
    return Interval(shares[0], low, high)


def _share(error: float, total: float) -> float:
    return 1 - float(error) / float(total) if total > 0 else float("nan")


def _voiced(one: Spoken, read: Callable[[Floats], np.floating]) -> Pair:
    voiced = np.isfinite(one.pitch)
    return np.array([read(one.pitch[voiced])]), np.array([read(one.made_pitch[voiced])])


def _energies(one: Spoken) -> Pair:
    return one.log_mel.mean(axis=1), one.made_log_mel.mean(axis=1)


def _less_mean(values: Floats) -> Floats:
    return values - values.mean()
