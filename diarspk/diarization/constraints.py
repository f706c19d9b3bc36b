"""Constraints that the caller sets: enrolled speakers, spans of one person or two, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.embeddings.unit_vectors import unit_vectors
from diarspk.errors import ArgumentError

__all__ = ["UNCONSTRAINED", "Constraints", "Span", "SpanPair", "check_name"]

Span = tuple[float, float]
SpanPair = tuple[Span, Span]


@dataclass(frozen=True, eq=False)
class Constraints:
    """User-provided constraints: enrolled speakers, must-link and cannot-link spans, and bounds.

    Attributes
    ----------
    known_speakers : mapping of str to array
        Enrolled speakers: an embedding ``(dim,)`` of any scale for each name.
    same_speaker, different_speakers : sequence of pairs of spans
        Must-link and cannot-link: each span is ``(start, end)`` in seconds and holds speech of one
        person.
    bounds : SpeakerBounds
        Number of speakers.

    Raises
    ------
    ArgumentError
        If known speakers are no mapping from names, what should be a pair of spans is none, or
        different speakers are given where there is one at most.
    """

    known_speakers: Mapping[str, ArrayLike] = field(default_factory=dict)
    same_speaker: Sequence[SpanPair] = ()
    different_speakers: Sequence[SpanPair] = ()
    bounds: SpeakerBounds = UNBOUNDED

    def __post_init__(self) -> None:
        """Check the form, so that a slip is told before the work on a long recording."""
        if not isinstance(self.known_speakers, Mapping):
            raise ArgumentError(
                "`known_speakers` must be a dict of embeddings by name, got "
                f"{type(self.known_speakers).__name__}."
            )
        for name in self.known_speakers:
            check_name(name, "known_speakers")
        for name in ("same_speaker", "different_speakers"):
            if not isinstance(pairs := getattr(self, name), Sequence) or isinstance(pairs, str):
                raise ArgumentError(
                    f"`{name}` must be a list of pairs of spans, got {type(pairs).__name__}."
                )
        for pair in self.same_speaker:
            _check_spans(pair, "same_speaker")
        for pair in self.different_speakers:
            _check_spans(pair, "different_speakers")
        if self.different_speakers and self.bounds.limit == 1:
            raise ArgumentError(
                "`different_speakers` must not be given where there is one speaker at most, "
                f"got {len(self.different_speakers)} and a limit of 1; drop one or the other."
            )

    @property
    def has_pairs(self) -> bool:
        """Whether there are pairs of spans."""
        return bool(self.same_speaker or self.different_speakers)

    def enrolled(self, dimension: int) -> NDArray[np.float64]:
        """Scale the embeddings of the known speakers to unit norm, ``(k, dimension)``.

        Raises
        ------
        ArgumentError
            If one is of another shape, is zero, or is not finite.
        """
        for name, vector in self.known_speakers.items():
            if np.shape(vector) != (dimension,):
                raise ArgumentError(
                    f"`known_speakers` must be vectors of shape ({dimension},), as this encoder "
                    f"makes them, got shape {np.shape(vector)} for {name!r}."
                )
        if not self.known_speakers:
            return np.zeros((0, dimension))
        return unit_vectors(
            np.stack(list(map(np.asarray, self.known_speakers.values()))), "known_speakers"
        )


def check_name(name: object, argument: str) -> None:
    """Refuse a name of a speaker that files and tables could not hold.

    Raises
    ------
    ArgumentError
        If it is no text, or blank.
    """
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"`{argument}` must have names that are not blank, got {name!r}.")


def _check_spans(pair: object, argument: str) -> None:
    """Refuse what is not a pair of spans ``(start, end)`` in seconds."""
    try:
        spans = [(float(start), float(end)) for start, end in pair]  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        spans = []
    if len(spans) != 2:  # a pair of spans without the list around it is the likely slip
        raise ArgumentError(
            f"`{argument}` must be a list of pairs of spans, ((start, end), (start, end)) in "
            f"seconds each, got {pair!r} in the place of one."
        )
    for start, end in spans:
        if not 0 <= start < end:
            raise ArgumentError(
                f"`{argument}` must be spans (start, end) in seconds with 0 <= start < end, got "
                f"({start}, {end})."
            )


UNCONSTRAINED = Constraints()
