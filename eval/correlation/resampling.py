"""Crossed bootstrap: sessions, people and encoders are drawn, each independently of the others.

An interval over encoders alone takes the sessions for all there are, and one over sessions alone
the encoders (Owen, 2007, "The pigeonhole bootstrap": drawing rows and columns independently covers
both, and is never narrower than the truth by much). Encoders are drawn by origin, with all that
come from one, since these are not independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.correlation.measures import EncoderFigures

__all__ = ["Resamples", "draw_encoders", "draw_weights", "resample"]

Draw = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Resamples:
    """Measures of every encoder, as they are and for drawn sessions and people.

    Attributes
    ----------
    names : tuple of str
        Of the measures.
    values : ndarray, ``(measures, encoders)``
    drawn : ndarray, ``(resamples, measures, encoders)``
        For drawn sessions and people, of all encoders.
    encoders : list of ndarray of int, ``resamples``
        Encoders that were drawn, some of them several times.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    drawn: NDArray[np.float64]
    encoders: list[Draw]

    def columns(self, *names: str) -> NDArray[np.float64]:
        """Measures of those names, ``(names, encoders)``."""
        return self.values[self._rows(names)]

    def crossed(self, *names: str) -> Iterator[NDArray[np.float64]]:
        """Iterate over the same for drawn sessions, people and encoders, ``(names, encoders)``."""
        for values, encoders in zip(self.drawn, self.encoders, strict=True):
            yield values[self._rows(names)][:, encoders]

    def over_encoders(self, *names: str) -> Iterator[NDArray[np.float64]]:
        """Iterate over the same for drawn encoders only."""
        for encoders in self.encoders:
            yield self.columns(*names)[:, encoders]

    def over_sessions(self, *names: str) -> Iterator[NDArray[np.float64]]:
        """Iterate over the same for drawn sessions and people only."""
        for values in self.drawn:
            yield values[self._rows(names)]

    def _rows(self, names: Sequence[str]) -> list[int]:
        return [self.names.index(name) for name in names]


def resample(
    figures: Sequence[EncoderFigures],
    strata: Sequence[int],
    *,
    resamples: int = 1000,
    seed: int = 0,
    follow: Iterable[int] | None = None,
) -> Resamples:
    """Measure all encoders on what was drawn.

    Parameters
    ----------
    figures : sequence of EncoderFigures
        Of the same sessions and people.
    strata : sequence of int
        Number of sessions of each set, in their order: a set keeps its size.
    resamples : int
    seed : int
    follow : iterable of int, optional
        Numbers of the resamples, with a bar for instance.
    """
    first, *_ = figures
    if sum(strata) != len(first.cllr):
        raise ArgumentError(f"`strata` must add up to {len(first.cllr)} sessions, got {strata}")
    generator = np.random.default_rng(seed)
    names = tuple(first.measure())
    drawn = np.empty((resamples, len(names), len(figures)))
    for number in range(resamples) if follow is None else follow:
        sessions = np.concatenate([draw_weights(count, generator) for count in strata])
        people = draw_weights(first.pairs.people, generator)
        for column, one in enumerate(figures):
            drawn[number, :, column] = list(one.measure(sessions, people).values())
    origins = [one.origin for one in figures]
    return Resamples(
        names,
        np.array([list(one.measure().values()) for one in figures]).T,
        drawn,
        [draw_encoders(origins, generator) for _ in range(resamples)],
    )


def draw_weights(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """How many times each of ``count`` is drawn in as many draws with replacement."""
    if not count:
        return np.zeros(0, np.int64)
    return generator.multinomial(count, np.full(count, 1 / count))


def draw_encoders(origins: Sequence[str], generator: np.random.Generator) -> Draw:
    """Draw as many origins as there are, with replacement; numbers of all their encoders."""
    names, origin = np.unique(np.asarray(origins), return_inverse=True)
    drawn = generator.integers(len(names), size=len(names))
    return np.concatenate([np.flatnonzero(origin == one) for one in drawn])
