"""Figures: made without a window, saved with the same bytes for the same input, and coloured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from diarspk.arguments import check_number, check_path
from diarspk.atomic import atomic_path
from diarspk.errors import ArgumentError, FormatError, ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "INK",
    "SUFFIXES",
    "check_suffix",
    "new_figure",
    "plain",
    "save_figure",
    "speaker_colours",
    "time_axis",
]

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#888888")
"""Distinct also without colour vision (Tol, bright scheme)."""
INK = "#263238"

SUFFIXES = (".svg", ".png", ".pdf")
"""Suffixes of pictures, in lower case."""
METADATA: dict[str, dict[str, None]] = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What would change from day to day or between versions is left out."""


MAX_INCHES = 600.0
"""Widest picture: 65,535 dots of 100 an inch are the most that a .png may have."""


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Make a figure of so many inches, with one pair of axes.

    Raises
    ------
    ModelError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ModelError("pictures need matplotlib; install diarspk[plot]") from None
    check_number(width, "width", minimum=1, maximum=MAX_INCHES)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    return figure, axes


def save_figure(figure: Figure, path: str | PathLike[str], *, dpi: int = 150) -> None:
    """Save a figure to a file, which is replaced whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path
        .svg, .png or .pdf.
    dpi : int
        Pixels an inch of a .png.

    Raises
    ------
    ArgumentError
        If the suffix is another.
    FormatError
        If the file cannot be written.
    """
    import matplotlib

    if not hasattr(figure, "savefig"):
        raise ArgumentError(f"`figure` must be a figure, got {type(figure).__name__}")
    check_number(dpi, "dpi", minimum=1)
    name = os.fsdecode(check_path(path, "path"))
    suffix = check_suffix(name)
    # Ids in an SVG are random but for the salt.
    try:
        with (
            atomic_path(name) as part,
            matplotlib.rc_context({"svg.hashsalt": "diarspk", "svg.fonttype": "none"}),
        ):
            figure.savefig(part, format=suffix[1:], dpi=dpi, metadata=METADATA[suffix])
    except OSError as error:
        raise FormatError(f"cannot be written ({error.strerror}); check it", name) from None


def check_suffix(name: str) -> str:
    """Find the suffix of a picture, in lower case.

    Raises
    ------
    ArgumentError
        If it is none of a picture.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArgumentError(f"`path` must end in one of {', '.join(SUFFIXES)}, got {name!r}")
    return suffix


def plain(text: str) -> str:
    """Text in which a dollar is one, and not the beginning of a formula."""
    return str(text).replace("$", r"\$")


def speaker_colours(speakers: Sequence[str]) -> dict[str, str]:
    """Colour of each speaker; from the eighth on they come again."""
    return {speaker: COLOURS[place % len(COLOURS)] for place, speaker in enumerate(speakers)}


def time_axis(axes: Axes, start: float, end: float) -> None:
    """Label the horizontal axis with minutes and seconds between two times in seconds."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(start, max(end, start + 0.1))
    steps = [1, 1.5, 2, 3, 6, 10]  # of minutes, too: 15, 20, 30, 60
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _clock(value, end)))


def _clock(seconds: float, end: float) -> str:
    """Seconds as text, with hours where the recording has them."""
    if end < 100:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if end >= 3600 else f"{minutes}:{rest:02}"
