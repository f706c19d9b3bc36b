"""Timeline: a lane of turns for each speaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyannote.core import Annotation, Segment

from diarspk.arguments import check_number
from diarspk.formats.turns import check_annotation
from diarspk.plots.figure import new_figure, plain, speaker_colours, time_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_timeline", "speakers_by_appearance"]

LANE = 0.35
"""Height of a lane in inches."""
MIN_OPACITY = 0.25


def plot_timeline(
    annotation: Annotation,
    *,
    confidence: Mapping[tuple[Segment, str | int], float] | None = None,
    duration: float | None = None,
    title: str = "",
    width: float = 10.0,
) -> Figure:
    """Plot the turns of each speaker in a lane of its own, in the order of their first turns.

    Parameters
    ----------
    annotation : pyannote.core.Annotation
    confidence : mapping of (Segment, track) to float, optional
        Turns are the paler, the lower it is.
    duration : float, optional
        Seconds to show. Default: up to the last end.
    title : str
    width : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    check_annotation(annotation, "annotation")
    if duration is not None:
        check_number(duration, "duration", minimum=0)
    speakers = speakers_by_appearance(annotation)
    colours = speaker_colours(speakers)
    figure, axes = new_figure(width, 0.9 + LANE * max(len(speakers), 1) + (0.3 if title else 0))
    for segment, track, label in annotation.itertracks(yield_label=True):
        sure = 1.0 if confidence is None else confidence.get((segment, track), 1.0)
        axes.barh(
            speakers.index(str(label)),
            segment.duration,
            0.7,
            segment.start,
            color=colours[str(label)],
            alpha=MIN_OPACITY + (1 - MIN_OPACITY) * min(max(sure, 0.0), 1.0),
            linewidth=0,
        )
    axes.set_yticks(range(len(speakers)), list(map(plain, speakers)))
    axes.set_ylim(max(len(speakers), 1) - 0.5, -0.5)
    extent = annotation.get_timeline().extent()
    time_axis(axes, 0.0, duration or (extent.end if speakers else 0.0))
    if not speakers:
        axes.text(0.5, 0.5, "nobody talks", transform=axes.transAxes, ha="center", va="center")
    if title:
        axes.set_title(plain(title), loc="left")
    return figure


def speakers_by_appearance(annotation: Annotation) -> list[str]:
    """List the speakers in the order of their first turns."""
    labels = (str(label) for _, _, label in annotation.itertracks(yield_label=True))
    return list(dict.fromkeys(labels))
