"""Diarize a recording and draw it: waveform, a lane for each speaker, the reference beneath.

    python docs/pictures/draw_meeting.py meeting.wav -o meeting.svg
    python docs/pictures/draw_meeting.py a.opus --reference a.rttm --until 75 -o meeting.svg

A turn is drawn the paler, the less sure the diarizer is of it. Lines under the lanes are turns of
the reference, each under the lane of the speaker that it is mapped to.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

import diarspk
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.formats import read_rttm

WIDTH, LEFT, RIGHT = 960, 130, 16  # pixels
WAVE, LANE, GAP = 84, 30, 14
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Distinct also without colour vision (Tol, bright scheme)."""
INK = "#263238"
TICKS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


def draw(
    waveform: NDArray[np.float32],
    result: diarspk.Diarization,
    reference: Annotation | None = None,
    until: float | None = None,
) -> str:
    """Draw a result as SVG.

    Parameters
    ----------
    waveform
        The recording, ``(time,)``, at 16 kHz.
    reference
        Who really spoke when, where that is known.
    until
        Second at which the picture ends; that of the recording where it is left out.
    """
    extent = Segment(0.0, min(until or result.duration, result.duration))
    scale = (WIDTH - LEFT - RIGHT) / extent.end
    shapes = [_wave(waveform[: int(extent.end * SAMPLE_RATE)])]
    mapped = {} if reference is None else _map(reference, result.annotation)
    y = WAVE + GAP
    for number, label in enumerate(result.annotation.labels()):
        colour = COLOURS[number % len(COLOURS)]
        seconds = result.annotation.label_duration(label)
        shapes.append(_text(8, y + 13, str(label), weight="600"))
        shapes.append(_text(8, y + 27, f"{seconds:.0f} s in all", size=11, colour="#607d8b"))
        for turn, _, confidence in _turns(result, str(label), extent):
            tip = f"{label}, {turn.start:.2f} to {turn.end:.2f} s, confidence {confidence:.2f}"
            shapes.append(_bar(turn, y, LANE - 6, scale, colour, 0.35 + 0.65 * confidence, tip))
        if reference is not None and label in mapped:
            own = reference.label_timeline(mapped[label]).support().crop(extent)
            shapes += [_bar(turn, y + LANE - 3, 3, scale, INK, 1.0, "reference") for turn in own]
        y += LANE + GAP
    shapes += _axis(extent, scale, y)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 22}" '
        f'width="{WIDTH}" height="{y + 22}" font-family="system-ui, sans-serif" font-size="13">'
    )
    background = f'<rect width="{WIDTH}" height="{y + 22}" rx="6" fill="#ffffff"/>'
    return "\n".join([head, background, *shapes, "</svg>"]) + "\n"


def _wave(waveform: NDArray[np.float32]) -> str:
    """Draw the peaks of every pixel, above and below the middle."""
    columns = np.array_split(waveform, WIDTH - LEFT - RIGHT)
    peaks = np.array([np.abs(column).max() if len(column) else 0.0 for column in columns])
    peaks = np.sqrt(peaks / max(float(peaks.max()), 1e-6)) * (WAVE - 16) / 2
    middle = WAVE / 2 + 4
    upper = " ".join(f"{LEFT + x},{middle - peak:.1f}" for x, peak in enumerate(peaks))
    lower = " ".join(f"{LEFT + x},{middle + peaks[x]:.1f}" for x in range(len(peaks) - 1, -1, -1))
    return f'<polygon points="{upper} {lower}" fill="#90a4ae"/>'


def _turns(
    result: diarspk.Diarization, label: str, extent: Segment
) -> Iterator[tuple[Segment, str, float]]:
    for turn, track, name in result.annotation.itertracks(yield_label=True):
        if name == label and turn.start < extent.end:
            sure = result.confidence.get((turn, track), 1.0)
            yield turn & extent, str(track), float(sure)


def _map(reference: Annotation, hypothesis: Annotation) -> dict[str, str]:
    """Map speakers of the result to those of the reference, as the error rate does."""
    uem = Timeline([reference.get_timeline().extent()])
    return dict(DiarizationErrorRate().optimal_mapping(reference, hypothesis, uem=uem))


def _bar(
    turn: Segment, y: float, height: float, scale: float, fill: str, opacity: float, tip: str
) -> str:
    width = max(turn.duration * scale, 1.0)
    return (
        f'<rect x="{LEFT + turn.start * scale:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height}" rx="{min(3, height / 2):g}" fill="{fill}" '
        f'fill-opacity="{opacity:.2f}"><title>{escape(tip)}</title></rect>'
    )


def _axis(extent: Segment, scale: float, y: float) -> list[str]:
    step = next((tick for tick in TICKS_S if tick * scale >= 70), TICKS_S[-1])
    shapes = []
    for second in np.arange(0, extent.end + 1e-6, step):
        x = LEFT + second * scale
        shapes.append(f'<path d="M{x:.1f} {WAVE + 4}V{y}" stroke="#00000018"/>')
        shapes.append(_text(x, y + 14, f"{second:g} s", anchor="middle", size=11))
    return shapes


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    weight: str = "400",
    size: int = 13,
    colour: str = INK,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--reference", type=Path, help="RTTM of who really spoke when")
    parser.add_argument("--until", type=float, help="seconds to draw")
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args()
    result = diarspk.Diarizer()(options.recording)
    reference = None
    if options.reference is not None:
        (reference,) = read_rttm(options.reference).values()
    picture = draw(load_audio(options.recording), result, reference, options.until)
    options.output.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
