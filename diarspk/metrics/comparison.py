"""Error components of one file under a convention."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

from diarspk.metrics.conventions import Convention
from diarspk.metrics.frame_jaccard import frame_jaccard_errors
from diarspk.metrics.pairing import Pair
from diarspk.metrics.scores import Components
from diarspk.metrics.time_partition import TimePartition, match_speakers, partition_time

__all__ = ["compare", "map_speakers", "partition_pair", "sum_errors"]


def compare(pair: Pair, convention: Convention, *, collar: float, skip_overlap: bool) -> Components:
    """Compute the error components of one file; ``collar`` as the convention's tool defines it."""
    if convention.by_pyannote:
        return _by_pyannote(pair, collar * convention.collar_share, skip_overlap)
    segments = partition_pair(pair, convention, collar=collar, skip_overlap=skip_overlap)
    errors = frame_jaccard_errors(pair.reference, pair.hypothesis, pair.uem)
    times = sum_errors(segments, map_speakers(segments, convention))
    return Components(
        total=times.total,
        miss=times.miss,
        false_alarm=times.false_alarm,
        confusion=times.confusion,
        speakers=len(errors),
        speaker_errors=float(errors.sum()),
    )


def partition_pair(
    pair: Pair, convention: Convention, *, collar: float, skip_overlap: bool
) -> TimePartition:
    """Partition the time of one file, with the segments that the convention scores."""
    reference, hypothesis = (
        _joined(each.crop(pair.uem) if convention.trimmed else each, convention)
        for each in (pair.reference, pair.hypothesis)
    )
    return partition_time(
        reference,
        hypothesis,
        pair.uem,
        collar=collar * convention.collar_share,
        skip_overlap=skip_overlap,
    )


def map_speakers(segments: TimePartition, convention: Convention) -> NDArray[np.int64]:
    """Map speakers over the time that the convention names: ``(pairs, 2)``."""
    within = segments.uem if convention.mapping == "uem" else segments.scored
    return match_speakers(segments.common_time(np.where(within, segments.durations, 0.0)))


def sum_errors(
    segments: TimePartition, pairs: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> Components:
    """Sum the errors over segments. ``weights``: seconds of each. Default: the scored ones."""
    weights = segments.scored_durations if weights is None else weights
    present, claimed = segments.reference.sum(1), segments.hypothesis.sum(1)
    right = (segments.reference[:, pairs[:, 0]] & segments.hypothesis[:, pairs[:, 1]]).sum(1)
    return Components(
        total=float(weights @ present),
        miss=float(weights @ np.maximum(present - claimed, 0)),
        false_alarm=float(weights @ np.maximum(claimed - present, 0)),
        confusion=float(weights @ (np.minimum(present, claimed) - right)),
    )


def _joined(annotation: Annotation, convention: Convention) -> Annotation:
    """Join turns of one speaker under the convention."""
    if convention.joined == "never":
        return annotation
    if convention.joined == "touching":
        return annotation.support()
    joined = Annotation(uri=annotation.uri)
    for label in annotation.labels():
        for track, segment in enumerate(_join_overlapping(annotation.label_timeline(label))):
            joined[segment, f"{label} {track}"] = label
    return joined


def _join_overlapping(timeline: Timeline) -> Timeline:
    """Join segments that share time; those that only touch stay apart."""
    joined = Timeline()
    current = None
    for segment in timeline:
        if current is not None and segment.start < current.end:
            current = current | segment
            continue
        if current is not None:
            joined.add(current)
        current = segment
    return joined if current is None else joined.add(current)


def _by_pyannote(pair: Pair, side: float, skip_overlap: bool) -> Components:
    """Components by pyannote.metrics, with a collar of ``side`` seconds on each side."""
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

    times, jaccard = (
        metric(collar=2 * side, skip_overlap=skip_overlap).compute_components(
            pair.reference, pair.hypothesis, uem=pair.uem
        )
        for metric in (DiarizationErrorRate, JaccardErrorRate)
    )
    return Components(
        total=times["total"],
        miss=times["missed detection"],
        false_alarm=times["false alarm"],
        confusion=times["confusion"],
        speakers=int(jaccard["speaker count"]),
        speaker_errors=jaccard["speaker error"],
    )
