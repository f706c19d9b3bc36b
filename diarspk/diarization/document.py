"""A diarization as text: turns in a format of the field, or all that is known of them as JSON.

The JSON is described by the schema ``diarization.schema.json`` beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.config_file import describe_config
from diarspk.formats.saving import WRITERS
from diarspk.formats.turns import rounded_turns, written_name
from diarspk.formats.writers import annotation_document, write_json_document
from diarspk.version import __version__

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

__all__ = ["diarization_document", "write_diarization"]

DOCUMENT_VERSION = 1
"""Version of the JSON; keys may be added without another one."""

VECTOR_DIGITS = 6
"""Decimals of the components of a unit vector: those of float32."""


class Result(Protocol):
    """What is written of a :class:`diarspk.Diarization`."""

    @property
    def annotation(self) -> Annotation:
        """Turns."""

    @property
    def exclusive(self) -> Annotation:
        """Turns with at most one speaker at a time."""

    @property
    def speakers(self) -> Mapping[str, NDArray[np.float32]]:
        """Unit vector ``(dim,)`` of each speaker."""

    @property
    def fingerprint(self) -> str:
        """The encoder's."""

    @property
    def confidence(self) -> Mapping[tuple[Segment, str | int], float]:
        """Confidence of each turn."""

    @property
    def duration(self) -> float:
        """Seconds of the recording."""

    @property
    def count_scores(self) -> Mapping[int, float]:
        """Score of each number of speakers."""

    @property
    def count_posterior(self) -> Mapping[int, float]:
        """Probability of each number of people."""

    @property
    def uncertain_speakers(self) -> tuple[str, ...]:
        """Speakers who may be somebody else."""

    @property
    def spurious_speakers(self) -> tuple[str, ...]:
        """Speakers with too little speech to be trusted."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the result doubtful."""

    @property
    def config(self) -> DiarizerConfig | None:
        """Settings."""


def write_diarization(
    result: Result,
    stream: TextIO,
    suffix: str,
    *,
    exclusive: bool = False,
    vectors: bool = False,
) -> None:
    """Write a result in the format of a suffix.

    Parameters
    ----------
    result : Diarization
    stream : text stream
    suffix : str
        One of :data:`diarspk.formats.saving.SUFFIXES`.
    exclusive : bool
        Write the turns with at most one speaker at a time; they have no confidence.
    vectors : bool
        Write the unit vectors of the speakers, for which JSON alone has a place.
    """
    if suffix == ".json":
        document = diarization_document(result, exclusive=exclusive, vectors=vectors)
        write_json_document(document, stream)
    elif exclusive:
        WRITERS[suffix](result.exclusive, stream)
    else:
        WRITERS[suffix](result.annotation, stream, confidence=result.confidence)


def diarization_document(
    result: Result, *, exclusive: bool = False, vectors: bool = False
) -> dict[str, Any]:
    """Describe a result by a JSON document; see :meth:`diarspk.Diarization.to_dict`."""
    alone = annotation_document(result.exclusive)
    document = alone if exclusive else annotation_document(result.annotation, result.confidence)
    config = result.config
    return {
        "version": DOCUMENT_VERSION,
        **document,
        "exclusive": alone["turns"],
        "overlap": _overlap(result.annotation),
        "speaker_details": _describe_speakers(result, vectors),
        "duration": round(result.duration, 3),
        "count_scores": {
            str(count): round(score, 4) for count, score in sorted(result.count_scores.items())
        },
        "count_posterior": {
            str(count): round(value, 4) for count, value in sorted(result.count_posterior.items())
        },
        "warnings": list(result.warnings),
        "fingerprint": result.fingerprint,
        "settings": None if config is None else describe_config(config),
        "versions": {"diarspk": __version__, "torch": version("torch")},
    }


def _overlap(annotation: Annotation) -> list[dict[str, float]]:
    regions = annotation.get_overlap()
    rounded = [(round(region.start, 3), round(region.end, 3)) for region in regions]
    return [{"start": start, "end": end} for start, end in rounded if end > start]


def _describe_speakers(result: Result, vectors: bool) -> list[dict[str, Any]]:
    alone = _speech_ms(result.exclusive)
    spurious = {written_name(speaker) for speaker in result.spurious_speakers}
    uncertain = {written_name(speaker) for speaker in result.uncertain_speakers}
    rows = {written_name(speaker): vector for speaker, vector in result.speakers.items()}
    details = []
    for speaker, turns in sorted(_speech_ms(result.annotation).items()):
        one = {
            "speaker": speaker,
            "turns": len(turns),
            "speech": sum(turns) / 1000,
            "exclusive_speech": sum(alone.get(speaker, ())) / 1000,
            "spurious": speaker in spurious,
            "uncertain": speaker in uncertain,
        }
        if vectors and speaker in rows:
            one["vector"] = [round(float(value), VECTOR_DIGITS) for value in rows[speaker]]
        details.append(one)
    return details


def _speech_ms(annotation: Annotation) -> dict[str, list[int]]:
    """Milliseconds of every turn, by speaker."""
    turns: dict[str, list[int]] = {}
    for turn in rounded_turns(annotation):
        turns.setdefault(turn.speaker, []).append(turn.end_ms - turn.start_ms)
    return turns
