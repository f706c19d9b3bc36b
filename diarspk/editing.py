"""Operations on a result: cluster again, rename, merge and split speakers. None changes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from diarspk.clustering import Clusterer, speaker_bounds
from diarspk.diarization import Assignment, Diarization
from diarspk.errors import ArgumentError
from diarspk.finishing import assemble, finish
from diarspk.knowledge import Knowledge
from diarspk.linking import SpeakerBounds, rejoin
from diarspk.session import Session
from diarspk.shipped import LOCAL_CLUSTERER

if TYPE_CHECKING:
    from diarspk.diarizer import DiarizerConfig

__all__ = ["merge", "recluster", "rename", "split"]


def recluster(
    result: Diarization,
    bounds: SpeakerBounds,
    knowledge: Knowledge,
    *,
    threshold: float | None = None,
    config: DiarizerConfig | None = None,
) -> Diarization:
    """See :meth:`diarspk.Diarization.recluster`."""
    speaker_bounds(
        1, num_speakers=bounds.exact, min_speakers=bounds.fewest, max_speakers=bounds.most
    )
    session, settings = _material(result)
    settings = config or settings
    if threshold is not None:
        clusterer = with_threshold(settings.clusterer or LOCAL_CLUSTERER, threshold)
        settings = replace(settings, clusterer=clusterer)
    return finish(session, settings, bounds, knowledge)


def with_threshold(clusterer: Clusterer, threshold: float) -> Clusterer:
    """Give the same clusterer another threshold.

    Raises
    ------
    ArgumentError
        If it has none.
    """
    settings: Any = clusterer
    names = [field.name for field in fields(settings)] if is_dataclass(settings) else []
    if "threshold" not in names:
        raise ArgumentError(
            f"`threshold` must be left out with a clusterer without one, got {threshold} for "
            f"{type(clusterer).__name__}."
        )
    return cast(Clusterer, replace(settings, threshold=threshold))


def rename(result: Diarization, names: Mapping[str, str]) -> Diarization:
    """See :meth:`diarspk.Diarization.rename`."""
    _check_speakers(result, list(names))
    final = {speaker: names.get(speaker, speaker) for speaker in result.speakers}
    repeated = [name for name, times in Counter(final.values()).items() if times > 1]
    if repeated:
        raise ArgumentError(
            f"`names` must not give two speakers one name, got {repeated[0]!r} twice; "
            "merge them instead."
        )
    labels = {label: final[name] for label, name in result.assignment.names.items()}
    return replace(
        result,
        annotation=result.annotation.rename_labels(final),
        exclusive=result.exclusive.rename_labels(final),
        speakers={final[name]: vector for name, vector in result.speakers.items()},
        ghosts=tuple(final[name] for name in result.ghosts),
        assignment=Assignment(result.assignment.labels, labels),
    )


def merge(result: Diarization, speakers: Sequence[str], name: str | None = None) -> Diarization:
    """See :meth:`diarspk.Diarization.merge`."""
    session, config = _material(result)
    _check_speakers(result, speakers)
    if len(set(speakers)) < 2:
        raise ArgumentError(f"`speakers` must be two or more, got {list(speakers)}.")
    name = speakers[0] if name is None else name
    if name in result.speakers and name not in speakers:
        raise ArgumentError(f"`name` must not be that of another speaker, got {name!r}.")
    labels_of = {spoken: label for label, spoken in result.assignment.names.items()}
    merged = [labels_of[speaker] for speaker in speakers]
    labels = result.assignment.labels
    labels = np.where(np.isin(labels, merged), merged[0], labels)
    names = {
        label: spoken for label, spoken in result.assignment.names.items() if label not in merged
    }
    return assemble(session, config, labels, {**names, merged[0]: name}, {len(names) + 1: 1.0})


def split(result: Diarization, speaker: str, count: int = 2) -> Diarization:
    """See :meth:`diarspk.Diarization.split`."""
    session, config = _material(result)
    _check_speakers(result, [speaker])
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise ArgumentError(f"`count` must be a whole number from 2, got {count!r}.")
    local, labels = session.local, result.assignment.labels.copy()
    label = next(key for key, name in result.assignment.names.items() if name == speaker)
    own = labels == label
    reliable = own & (local.seconds >= config.reliable_s)
    rows = reliable if reliable.sum() >= count else own
    if rows.sum() < count:
        raise ArgumentError(
            f"`count` must be at most {int(own.sum())}, the windows in which {speaker!r} talks, "
            f"got {count}."
        )
    parts = (config.clusterer or LOCAL_CLUSTERER)(
        local.embeddings[rows], num_speakers=count, durations=local.seconds[rows]
    )
    seconds = np.bincount(parts, local.seconds[rows], minlength=count)
    # The longest part keeps the label, the others get labels that nobody has.
    fresh = int(labels.max()) + 1 + np.arange(count)
    fresh[seconds.argmax()] = label
    labels[own] = -1
    labels[rows] = fresh[parts]
    others = np.where(own, labels, -1)
    rest = own & ~rows
    if rest.any():
        others[rest] = fresh.max() + 1
        labels[own] = rejoin(local, others, np.array([fresh.max() + 1]))[own]
    names = dict(result.assignment.names)
    return assemble(session, config, labels, names, {len(names) + count - 1: 1.0})


def _material(result: Diarization) -> tuple[Session, DiarizerConfig]:
    if result.session is None or result.config is None:
        raise ArgumentError(
            "the result must come from a Diarizer, which keeps its pass over the recording, "
            "got one without."
        )
    return result.session, result.config


def _check_speakers(result: Diarization, speakers: Sequence[str]) -> None:
    for speaker in speakers:
        if speaker not in result.speakers:
            raise ArgumentError(
                f"`speakers` must be among {', '.join(result.speakers)}, got {speaker!r}."
            )
