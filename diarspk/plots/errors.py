"""Reference against hypothesis: turns of both in one lane for each speaker, and the errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyannote.core import Annotation, Segment, Timeline

from diarspk.formats.turns import check_annotation, check_timeline
from diarspk.intervals import find_runs
from diarspk.metrics.comparison import map_speakers, partition_pair, sum_errors
from diarspk.metrics.conventions import DEFAULT
from diarspk.metrics.pairing import Pair
from diarspk.metrics.timeline import ERROR_COLOURS
from diarspk.plots.figure import INK, new_figure, plain, speaker_colours, time_axis
from diarspk.plots.timeline import LANE, speakers_by_appearance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from diarspk.metrics.time_partition import TimePartition

__all__ = ["plot_errors"]

UNMATCHED = "#000000"


def plot_errors(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None = None,
    *,
    title: str = "",
    width: float = 10.0,
) -> Figure:
    """Plot a hypothesis above its reference, speaker by speaker, and each kind of error below.

    A lane holds the turns of a reference speaker (thin) and, above them, those of the hypothesis
    speaker that is mapped to it. Hypothesis speakers that are nobody's have black lanes at the end.
    Scoring is strict: no collar, overlap scored. Time that is not scored is grey.

    Parameters
    ----------
    reference, hypothesis : pyannote.core.Annotation
    uem : pyannote.core.Timeline, optional
        Regions to score. Default: from the first start to the last end.
    title : str
        Default: the diarization error rate and its parts.
    width : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    check_annotation(reference, "reference")
    check_annotation(hypothesis, "hypothesis")
    check_timeline(uem, "uem")
    both = Timeline([*reference.itersegments(), *hypothesis.itersegments(), *(uem or ())])
    extent = both.extent() if both else Segment(0, 1)
    scored = Timeline([extent]) if uem is None else uem.support()
    segments = partition_pair(
        Pair(reference, hypothesis, scored), DEFAULT, collar=0.0, skip_overlap=False
    )
    pairs = map_speakers(segments, DEFAULT)
    lanes = _lanes(reference, hypothesis, segments, pairs)
    height = 1.2 + LANE * (len(lanes) + len(ERROR_COLOURS))
    figure, axes = new_figure(width, height)
    colours = speaker_colours([name for name, _ in lanes if name])
    for row, (name, guess) in enumerate(lanes):
        colour = colours.get(name, UNMATCHED)
        if guess:
            _bars(axes, hypothesis.label_timeline(guess), row - 0.1, 0.5, colour)
        if name:
            _bars(axes, reference.label_timeline(name), row + 0.28, 0.14, INK)
    for row, (name, mask) in enumerate(_errors(segments, pairs).items(), len(lanes)):
        runs = find_runs(mask & segments.scored)
        _bars(axes, [Segment(*segments.edges[run]) for run in runs], row, 0.6, ERROR_COLOURS[name])
    labels = [_label(name, guess) for name, guess in lanes]
    axes.set_yticks(range(len(lanes) + len(ERROR_COLOURS)), [*map(plain, labels), *ERROR_COLOURS])
    axes.set_ylim(len(lanes) + len(ERROR_COLOURS) - 0.5, -0.5)
    axes.axhline(len(lanes) - 0.5, color="0.8", linewidth=0.8)
    for gap in scored.gaps(support=extent):
        axes.axvspan(gap.start, gap.end, color="0.9", linewidth=0, zorder=0)
    time_axis(axes, extent.start, extent.end)
    axes.set_xlabel("bars: hypothesis; lines beneath: reference", loc="left", color=INK)
    parts = sum_errors(segments, pairs)
    rates = (
        f"DER {100 * parts.der:.1f} %: miss {100 * parts.miss_rate:.1f}, false alarm "
        f"{100 * parts.false_alarm_rate:.1f}, confusion {100 * parts.confusion_rate:.1f}"
    )
    axes.set_title(plain(title or rates), loc="left")
    return figure


def _lanes(
    reference: Annotation,
    hypothesis: Annotation,
    segments: TimePartition,
    pairs: NDArray[np.int64],
) -> list[tuple[str, str]]:
    """List the reference and the hypothesis speaker of each lane; empty where there is none."""
    names, guesses = segments.reference_labels, segments.hypothesis_labels
    mapped = {str(names[row]): str(guesses[column]) for row, column in pairs.tolist()}
    lanes = [(name, mapped.get(name, "")) for name in speakers_by_appearance(reference)]
    taken = set(mapped.values())
    lanes += [("", guess) for guess in speakers_by_appearance(hypothesis) if guess not in taken]
    return lanes


def _label(name: str, guess: str) -> str:
    if not name:
        return f"{guess} (nobody's)"
    return f"{name} ({guess or 'not found'})" if guess != name else name


def _bars(
    axes: Axes, turns: Timeline | list[Segment], row: float, height: float, colour: str
) -> None:
    spans = [(turn.start, turn.duration) for turn in turns]
    axes.broken_barh(spans, (row - height / 2, height), color=colour, linewidth=0)


def _errors(segments: TimePartition, pairs: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Where each kind of error is, ``(segments,)``."""
    present, claimed = segments.reference.sum(1), segments.hypothesis.sum(1)
    right = (segments.reference[:, pairs[:, 0]] & segments.hypothesis[:, pairs[:, 1]]).sum(1)
    return {
        "miss": present > claimed,
        "false alarm": claimed > present,
        "confusion": np.minimum(present, claimed) > right,
    }
