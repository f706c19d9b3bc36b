"""Timeline of reference, hypothesis and errors as an SVG picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.arguments import check_number
from diarspk.formats.turns import check_annotation, check_timeline
from diarspk.intervals import find_runs
from diarspk.metrics.comparison import partition_pair
from diarspk.metrics.conventions import DEFAULT
from diarspk.metrics.pairing import Pair
from diarspk.metrics.time_partition import TimePartition, match_speakers

__all__ = ["draw_timeline"]

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Distinct also without colour vision (Tol, bright scheme)."""
ERROR_COLOURS = {"miss": "#332288", "false alarm": "#ddaa33", "confusion": "#cc3311"}
ROW, GAP, LEFT, TOP = 16, 6, 150, 30  # pixels
TICKS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
DAY_S = 86400


def draw_timeline(
    reference: Annotation,
    hypothesis: Annotation,
    uem: Timeline | None = None,
    *,
    title: str = "",
    width: int = 1400,
) -> str:
    """Draw the turns of reference and hypothesis, and each kind of error below.

    A hypothesis speaker has the colour and the position of the reference speaker that it is mapped
    to. Time outside the UEM is hatched. Tool tips show the start, end and speaker of each turn.

    Parameters
    ----------
    reference, hypothesis : Annotation
    uem : Timeline, optional
        Scored regions. Default: from the first start to the last end.
    title : str
    width : int
        Width in pixels.

    Returns
    -------
    str
        An SVG document.
    """
    check_annotation(reference, "reference")
    check_annotation(hypothesis, "hypothesis")
    check_timeline(uem, "uem")
    check_number(width, "width", minimum=1)
    extent = _extent([reference, hypothesis], uem)
    pair = Pair(reference, hypothesis, Timeline([extent]) if uem is None else uem.support())
    segments = partition_pair(pair, DEFAULT, collar=0.0, skip_overlap=False)
    pairs = match_speakers(segments.common_time(segments.scored_durations))
    canvas = _Canvas(extent, width, title)
    references, hypotheses = segments.reference_labels, segments.hypothesis_labels
    mapped = {hypotheses[column]: references[row] for row, column in pairs.tolist()}
    colour = {label: COLOURS[i % 7] for i, label in enumerate(references)}
    canvas.head("reference")
    for label in references:
        canvas.row(str(label), reference.label_timeline(label), colour[label])
    canvas.head("hypothesis")
    order = {label: place for place, label in enumerate(references)}
    for label in sorted(hypotheses, key=lambda one: order.get(mapped.get(one, ""), 99)):
        to = mapped.get(label)
        name = f"{label} = {to}" if to is not None else f"{label} = nobody"
        canvas.row(name, hypothesis.label_timeline(label), colour.get(to or "", "#000000"))
    canvas.head("errors")
    for name, mask in _errors(segments, pairs).items():
        canvas.row(name, _runs(mask & segments.scored, segments.edges), ERROR_COLOURS[name])
    return canvas.render(pair.uem)


class _Canvas:
    """Rows of bars from the top down, over one axis of time."""

    def __init__(self, extent: Segment, width: int, title: str) -> None:
        self.extent, self.width, self.title = extent, width, title
        self.scale = (width - LEFT - 10) / max(extent.duration, 1e-3)
        self.shapes: list[str] = []
        self.y = TOP

    def head(self, text: str) -> None:
        self.shapes.append(_text(4, self.y + ROW - 4, text, bold=True))
        self.y += ROW

    def row(self, name: str, turns: Sequence[Segment] | Timeline, colour: str) -> None:
        self.shapes.append(_text(LEFT - 6, self.y + ROW - 4, name[:24], anchor="end"))
        for start, end in turns:
            tip = f"<title>{escape(name)} {start:.2f} to {end:.2f} s</title>"
            width = max((end - start) * self.scale, 0.3)
            self.shapes.append(
                f'<rect x="{self.x(start):.1f}" y="{self.y}" width="{width:.1f}" '
                f'height="{ROW - 2}" fill="{colour}">{tip}</rect>'
            )
        self.y += ROW

    def render(self, uem: Timeline) -> str:
        hatched = [
            f'<rect x="{self.x(gap.start):.1f}" y="{TOP}" width="{gap.duration * self.scale:.1f}" '
            f'height="{self.y - TOP}" fill="#00000018"><title>not scored</title></rect>'
            for gap in uem.gaps(support=self.extent)
        ]
        height = self.y + 2 * GAP + ROW
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height}" '
            f'width="{self.width}" height="{height}" font-family="sans-serif" font-size="11">'
        )
        background = f'<rect width="{self.width}" height="{height}" fill="#ffffff"/>'
        title = _text(LEFT, TOP - 12, self.title, bold=True)
        lines = [head, background, title, *self.shapes, *hatched, *self._axis(), "</svg>"]
        return "\n".join(lines) + "\n"

    def x(self, time: float) -> float:
        return LEFT + (time - self.extent.start) * self.scale

    def _axis(self) -> Iterator[str]:
        ticks = chain(TICKS_S, (DAY_S * 10**power for power in count()))
        step = next(tick for tick in ticks if tick * self.scale >= 60)
        first = int(np.ceil(self.extent.start / step))
        for number in range(first, int(self.extent.end / step) + 1):
            x = self.x(number * step)
            yield f'<path d="M{x:.1f} {TOP}V{self.y + 4}" stroke="#00000030"/>'
            yield _text(x, self.y + ROW, f"{number * step} s", anchor="middle")


def _errors(segments: TimePartition, pairs: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    present, claimed = segments.reference.sum(1), segments.hypothesis.sum(1)
    right = (segments.reference[:, pairs[:, 0]] & segments.hypothesis[:, pairs[:, 1]]).sum(1)
    return {
        "miss": present > claimed,
        "false alarm": claimed > present,
        "confusion": np.minimum(present, claimed) > right,
    }


def _runs(mask: NDArray[np.bool_], edges: NDArray[np.float64]) -> list[Segment]:
    """Join neighbouring segments to turns."""
    return [Segment(*edges[run]) for run in find_runs(mask)]


def _extent(annotations: Sequence[Annotation], uem: Timeline | None) -> Segment:
    timelines = [annotation.get_timeline() for annotation in annotations]
    every = Timeline([segment for timeline in (*timelines, uem or ()) for segment in timeline])
    return every.extent() if every else Segment(0, 1)


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
