"""People: which speakers of different recordings are the same person, whoever they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diarspk.clustering.mutual_best import Merge, MutualBest, merge_mutual_best
from diarspk.diarization.linking_criterion import LinkingCriterion, choose_criterion
from diarspk.diarization.recorded_speakers import (
    MIN_CLEAN_S,
    RecordedSpeaker,
    compare_speakers,
    embed_speakers,
)
from diarspk.diarization.result import Diarization
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.audio import Audio
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["Appearance", "LinkedRecordings", "link_recordings", "link_speakers"]


@dataclass(frozen=True)
class Appearance:
    """Appearance of a person in a recording.

    Attributes
    ----------
    person : str
        The same in every recording: ``PERSON_00``, ...
    recording, speaker : str
        Name of the recording, and the speaker's label in it before.
    seconds : float
        Clean speech of the speaker that was compared.
    score, margin : float, optional
        Of the first merge that this speaker took part in: how alike both sides are, and how far
        the nearest rival is below. None where the person appears in one recording only, and no
        margin where there was no rival.
    """

    person: str
    recording: str
    speaker: str
    seconds: float
    score: float | None = None
    margin: float | None = None


@dataclass(frozen=True, eq=False)
class LinkedRecordings:
    """People of several recordings.

    Attributes
    ----------
    appearances : tuple of Appearance
        By recording, then in the order of the speakers there.
    doubts : tuple of str
        What could not be decided, a line each.
    """

    appearances: tuple[Appearance, ...]
    doubts: tuple[str, ...] = ()

    def names(self, recording: str) -> dict[str, str]:
        """Person of each speaker of a recording."""
        return {one.speaker: one.person for one in self.appearances if one.recording == recording}

    def rename(self, annotation: Annotation, recording: str | None = None) -> Annotation:
        """Replace the labels of an annotation by those of the people.

        Parameters
        ----------
        annotation : pyannote.core.Annotation
        recording : str, optional
            Name of the recording. Default: that of the annotation.
        """
        name = str(annotation.uri) if recording is None else recording
        return annotation.rename_labels(self.names(name))


def link_recordings(
    diarizations: Mapping[str, Diarization | Annotation],
    audio: Mapping[str, Audio],
    *,
    encoder: SpeakerEncoder,
    threshold: float | None = None,
    margin: float | None = None,
) -> LinkedRecordings:
    """Find the people of several recordings, whoever they are.

    Speakers of different recordings are one person where each is the other's best candidate by a
    margin; two of one recording never are. The order of the recordings changes nothing.

    Parameters
    ----------
    diarizations, audio : mapping
        Who speaks when, and the audio of it, by the name of the recording.
    encoder : SpeakerEncoder
        Compares the voices.
    threshold, margin : float, optional
        Minimum score, and minimum distance to the score of the next best candidate: log-likelihood
        ratios, or cosines for an encoder without a calibration, which needs a threshold. Default:
        those of the encoder, ``python -m eval.linking``.

    Raises
    ------
    ArgumentError
        If a recording has no audio.
    AudioError
        If the audio cannot be read.
    ModelError
        If the encoder needs a threshold.
    """
    missing = sorted(set(diarizations) - set(audio))
    if missing:
        raise ArgumentError(f"`audio` must hold every recording, got none for {missing[0]!r}")
    criterion = choose_criterion(encoder.fingerprint, threshold, margin)
    speakers: list[RecordedSpeaker] = []
    for name, result in diarizations.items():
        annotation = result.annotation if isinstance(result, Diarization) else result
        speakers += embed_speakers(annotation, audio[name], encoder, recording=name)
    return link_speakers(speakers, criterion)


def link_speakers(
    speakers: Sequence[RecordedSpeaker], criterion: LinkingCriterion
) -> LinkedRecordings:
    """Find which recorded speakers are the same person.

    Speakers of different recordings are merged where each is the other's best by a margin
    (:func:`diarspk.clustering.mutual_best.merge_mutual_best`); two of one recording are never one
    person. People are numbered by their first appearance, recordings taken by name, so that the
    order in which they are given changes nothing.

    Parameters
    ----------
    speakers : sequence of RecordedSpeaker
        Of one embedding space. Those without vectors remain people of one recording.
    criterion : LinkingCriterion

    Raises
    ------
    ArgumentError
        If a recording has two speakers of one label.
    """
    _check(speakers)
    places: Counter[str] = Counter()
    placed = []
    for one in speakers:  # the speakers of a recording keep their order
        placed.append((one.recording, places[one.recording], one))
        places[one.recording] += 1
    ordered = [one for _, _, one in sorted(placed, key=lambda item: item[:2])]
    known = [index for index, one in enumerate(ordered) if len(one.vectors)]
    compared = [ordered[index] for index in known]
    found = _merge(compared, criterion)
    labels = np.arange(len(ordered)) + len(ordered)  # somebody else each
    labels[known] = found.labels
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels.tolist()))}
    decisions = _first_merges(found.merges, known)
    appearances = []
    for index, (one, label) in enumerate(zip(ordered, labels.tolist(), strict=True)):
        score, margin = decisions.get(index, (None, None))
        person = f"PERSON_{numbers[label]:02d}"
        appearances.append(
            Appearance(person, one.recording, one.speaker, one.seconds, score, margin)
        )
    return LinkedRecordings(tuple(appearances), _doubts(ordered, compared, found))


def _check(speakers: Sequence[RecordedSpeaker]) -> None:
    counts = Counter((one.recording, one.speaker) for one in speakers)
    for (recording, speaker), count in counts.items():
        if count > 1:
            raise ArgumentError(
                f"`speakers` must have each speaker of a recording once, got {speaker!r} of "
                f"{recording!r} {count} times"
            )


def _merge(compared: Sequence[RecordedSpeaker], criterion: LinkingCriterion) -> MutualBest:
    if not compared:
        return MutualBest(np.zeros(0, np.int64), (), ())
    recordings = {name: number for number, name in enumerate({one.recording for one in compared})}
    return merge_mutual_best(
        criterion.scores(compare_speakers(compared)),
        [recordings[one.recording] for one in compared],
        threshold=criterion.threshold,
        margin=criterion.margin,
    )


def _first_merges(
    merges: Sequence[Merge], rows: Sequence[int]
) -> dict[int, tuple[float, float | None]]:
    """Score and margin of the first merge of each speaker, by its index."""
    found: dict[int, tuple[float, float | None]] = {}
    for merge in merges:
        decision = merge.score, merge.margin if np.isfinite(merge.margin) else None
        for item in (*merge.first, *merge.second):
            found.setdefault(rows[item], decision)
    return found


def _doubts(
    ordered: Sequence[RecordedSpeaker], compared: Sequence[RecordedSpeaker], found: MutualBest
) -> tuple[str, ...]:
    short = [
        f"{one.recording}: {one.speaker} talks alone for {one.seconds:.1f} s only, less than "
        f"{MIN_CLEAN_S:g} s, and is compared with nobody"
        for one in ordered
        if not len(one.vectors)
    ]
    alike = [
        f"{_described(compared, merge.first)} and {_described(compared, merge.second)} may be one "
        f"person (score {merge.score:.2f}), but somebody else is as alike (margin "
        f"{merge.margin:.2f}); left apart"
        for merge in found.undecided
    ]
    return (*short, *alike)


def _described(compared: Sequence[RecordedSpeaker], items: Sequence[int]) -> str:
    first = compared[items[0]]
    more = f" (and {len(items) - 1} more)" if len(items) > 1 else ""
    return f"{first.recording}: {first.speaker}{more}"
