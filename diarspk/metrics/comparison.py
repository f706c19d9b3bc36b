"""Components of one file under a convention."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline

from diarspk.metrics.cells import Cells, cut_cells, match_speakers
from diarspk.metrics.components import Components
from diarspk.metrics.conventions import Convention
from diarspk.metrics.jaccard import frame_jaccard_errors
from diarspk.metrics.pairing import Pair

__all__ = ["compare", "cut_pair", "pair_speakers", "sum_errors"]


def compare(pair: Pair, convention: Convention, *, collar: float, skip_overlap: bool) -> Components:
    """Seconds of error, and Jaccard errors, of one file.

    ``collar`` is what the tool of the convention calls so.
    """
    if convention.by_pyannote:
        return _by_pyannote(pair, collar * convention.collar_share, skip_overlap)
    cells = cut_pair(pair, convention, collar=collar, skip_overlap=skip_overlap)
    errors = frame_jaccard_errors(pair.reference, pair.hypothesis, pair.uem)
    times = sum_errors(cells, pair_speakers(cells, convention))
    return Components(
        total=times.total,
        miss=times.miss,
        false_alarm=times.false_alarm,
        confusion=times.confusion,
        speakers=len(errors),
        speaker_errors=float(errors.sum()),
    )


def cut_pair(pair: Pair, convention: Convention, *, collar: float, skip_overlap: bool) -> Cells:
    """Cells of one file, with what the convention scores of them."""
    reference, hypothesis = (
        _joined(each.crop(pair.uem) if convention.trimmed else each, convention)
        for each in (pair.reference, pair.hypothesis)
    )
    return cut_cells(
        reference,
        hypothesis,
        pair.uem,
        collar=collar * convention.collar_share,
        skip_overlap=skip_overlap,
    )


def pair_speakers(cells: Cells, convention: Convention) -> NDArray[np.int64]:
    """Match speakers over the time that the convention names: ``(pairs, 2)``."""
    within = cells.uem if convention.mapping == "uem" else cells.scored
    return match_speakers(cells.common_time(np.where(within, cells.durations, 0.0)))


def sum_errors(
    cells: Cells, pairs: NDArray[np.int64], weights: NDArray[np.float64] | None = None
) -> Components:
    """Add up the errors of cells; ``weights``, in seconds, limits them to a part."""
    weights = cells.scored_durations if weights is None else weights
    present, claimed = cells.reference.sum(1), cells.hypothesis.sum(1)
    right = (cells.reference[:, pairs[:, 0]] & cells.hypothesis[:, pairs[:, 1]]).sum(1)
    return Components(
        total=float(weights @ present),
        miss=float(weights @ np.maximum(present - claimed, 0)),
        false_alarm=float(weights @ np.maximum(claimed - present, 0)),
        confusion=float(weights @ (np.minimum(present, claimed) - right)),
    )


def _joined(annotation: Annotation, convention: Convention) -> Annotation:
    """Join turns of one speaker, as the convention has it."""
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
    """Rates by pyannote.metrics, with ``side`` seconds left out on each side of a boundary."""
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
