"""Editing of speakers: rename, merge and split, as operations on a linking that make a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.assignment import reassign
from diarspk.diarization.constraints import check_name
from diarspk.diarization.linking import Linking
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.errors import ArgumentError

__all__ = ["check_speakers", "complete_renaming", "merge_speakers", "split_speaker"]


def check_speakers(speakers: Sequence[str], existing: Sequence[str]) -> None:
    """Refuse names that no speaker has.

    Raises
    ------
    ArgumentError
        With the names that there are.
    """
    if isinstance(speakers, str) or not isinstance(speakers, Iterable):
        raise ArgumentError(f"`speakers` must be a list of names, got {speakers!r}.")
    for speaker in speakers:
        if not isinstance(speaker, str) or speaker not in existing:
            known = f"among {', '.join(existing)}" if existing else "none, as nobody speaks"
            raise ArgumentError(f"`speakers` must be {known}, got {speaker!r}.")


def complete_renaming(names: Mapping[str, str], existing: Sequence[str]) -> dict[str, str]:
    """Give every existing speaker a new name; those who are not in `names` keep theirs.

    Raises
    ------
    ArgumentError
        If there is no such speaker, a name is blank, or two would have one name.
    """
    if not isinstance(names, Mapping):
        raise ArgumentError(f"`names` must be a dict of names by name, got {type(names).__name__}.")
    check_speakers(list(names), existing)
    for name in names.values():
        check_name(name, "names")
    final = {speaker: names.get(speaker, speaker) for speaker in existing}
    repeated = [name for name, times in Counter(final.values()).items() if times > 1]
    if repeated:
        raise ArgumentError(
            f"`names` must not give two speakers one name, got {repeated[0]!r} twice; "
            "merge them instead."
        )
    return final


def merge_speakers(linking: Linking, speakers: Sequence[str], name: str | None) -> Linking:
    """Give the local speakers of several speakers one label and name, by default the first's.

    Raises
    ------
    ArgumentError
        If there are fewer than two different speakers, one does not exist, or the name is blank or
        that of another.
    """
    existing = list(linking.names.values())
    check_speakers(speakers, existing)
    if len(set(speakers)) < 2:
        raise ArgumentError(f"`speakers` must be two or more, got {list(speakers)}.")
    name = speakers[0] if name is None else name
    check_name(name, "name")
    if name in existing and name not in speakers:
        raise ArgumentError(f"`name` must not be that of another speaker, got {name!r}.")
    label_of = {spoken: label for label, spoken in linking.names.items()}
    merged = [label_of[speaker] for speaker in speakers]
    labels = np.where(np.isin(linking.labels, merged), merged[0], linking.labels)
    others = {label: spoken for label, spoken in linking.names.items() if label not in merged}
    names = {**others, merged[0]: name}
    return Linking(labels, {len(names): 1.0}, names=names).without_gaps()


def split_speaker(
    linking: Linking,
    local: LocalSpeakers,
    speaker: str,
    count: int,
    *,
    clusterer: Clusterer,
    reliable_s: float,
) -> Linking:
    """Cluster the local speakers of one speaker into `count`; the longest part keeps the name.

    Local speakers with less than `reliable_s` seconds of speech join the others, where there are
    enough of those.

    Raises
    ------
    ArgumentError
        If there is no such speaker, or it is in fewer windows than that.
    """
    check_speakers([speaker], list(linking.names.values()))
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise ArgumentError(f"`count` must be a whole number from 2, got {count!r}.")
    label = next(key for key, name in linking.names.items() if name == speaker)
    own = linking.labels == label
    reliable = own & (local.seconds >= reliable_s)
    rows = reliable if reliable.sum() >= count else own
    if rows.sum() < count:
        raise ArgumentError(
            f"`count` must be at most {int(own.sum())}, the windows in which {speaker!r} talks, "
            f"got {count}."
        )
    inputs = ClusteringInput(
        local.embeddings[rows], bounds=SpeakerBounds(exact=count), durations=local.seconds[rows]
    )
    parts = clusterer.cluster(inputs).labels
    seconds = np.bincount(parts, local.seconds[rows], minlength=count)
    part_labels = int(linking.labels.max()) + 1 + np.arange(count)  # that nobody has
    part_labels[seconds.argmax()] = label
    labels = linking.labels.copy()
    labels[rows] = part_labels[parts]
    rest = own & ~rows
    if rest.any():
        # Only the parts compete for the rest; it has a label of its own until it is given away.
        undecided = int(part_labels.max()) + 1
        competing = np.where(own, np.where(rest, undecided, labels), -1)
        labels[own] = reassign(local, competing, np.array([undecided]))[own]
    scores = {len(linking.names) + count - 1: 1.0}
    return replace(
        linking,
        labels=labels,
        count_scores=scores,
        count_posterior={},
        bounds=UNBOUNDED,
        known=frozenset(),
    )
