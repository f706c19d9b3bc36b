"""Draw the pictures of the architecture: boxes with the files that they stand for, and arrows.

    python docs/pictures/draw_architecture.py docs/pictures

writes ``pipeline.svg``, ``trunk.svg`` and ``imports.svg``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

INK, PALE, LINE, CODE = "#1a237e", "#eef1fb", "#7986cb", "#546e7a"
ACCENT = "#fff3e0"

FLOORS = (
    ("recipes",),
    ("eval",),
    ("tse",),
    ("diarspk.cli",),
    ("diarspk.mcp_server",),
    ("diarspk.server",),
    ("diarspk.streaming", "diarspk.cluster"),
    ("diarspk.diarization",),
    ("diarspk.review",),
    ("diarspk.segmentation", "diarspk.cues", "diarspk.editing", "diarspk.plots"),
    ("diarspk.encoders", "diarspk.transcripts"),
    ("diarspk.verification",),
    ("diarspk.clustering", "diarspk.features", "diarspk.metrics"),
    ("diarspk.catalogue",),
    ("diarspk.audio", "diarspk.embeddings", "diarspk.checkpoints", "diarspk.formats"),
)
"""Packages from the top down: imports go to lower floors only."""


@dataclass
class Picture:
    """Shapes on white."""

    width: int
    height: int
    shapes: list[str] = field(default_factory=list)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        title: str,
        *lines: str,
        fill: str = PALE,
    ) -> None:
        """Draw a box with a bold title and lines of code font beneath it."""
        self.shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" '
            f'stroke="{LINE}"/>'
        )
        middle = x + width / 2
        top = y + height / 2 - 8 * len(lines) + 5
        self.text(middle, top, title, weight=600)
        for number, line in enumerate(lines, start=1):
            self.text(middle, top + 16 * number, line, size=11, colour=CODE, mono=True)

    def arrow(self, *points: tuple[float, float], label: str = "") -> None:
        """Draw a line through points, with a head at the last one."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self.shapes.append(
            f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6" '
            'marker-end="url(#head)"/>'
        )
        if label:
            (x1, y1), (x2, y2) = points[-2:]
            self.text((x1 + x2) / 2 + 8, (y1 + y2) / 2 + 4, label, size=11, anchor="start")

    def frame(self, x: float, y: float, width: float, height: float, title: str) -> None:
        """Draw a dashed frame with its title in the upper left corner."""
        self.shapes.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="none" '
            f'stroke="{LINE}" stroke-dasharray="5 4"/>'
        )
        self.text(x + 12, y + 20, title, weight=600, anchor="start", mono=True)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 13,
        weight: int = 400,
        anchor: str = "middle",
        colour: str = INK,
        mono: bool = False,
    ) -> None:
        """Write a line."""
        family = ' font-family="ui-monospace, DejaVu Sans Mono, monospace"' if mono else ""
        self.shapes.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}" fill="{colour}"{family}>{escape(text)}</text>'
        )

    def svg(self) -> str:
        """Write the document."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" '
            'font-family="system-ui, DejaVu Sans, sans-serif">'
        )
        marker = (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/>'
            "</marker></defs>"
        )
        ground = f'<rect width="{self.width}" height="{self.height}" rx="6" fill="#ffffff"/>'
        return "\n".join([head, marker, ground, *self.shapes, "</svg>"]) + "\n"


def pipeline() -> Picture:
    """Draw the four lines, each with its files, and what goes from one to the next."""
    picture = Picture(1000, 840)
    box, arrow = picture.box, picture.arrow
    box(330, 14, 340, 48, "audio, any format and rate", "audio/loading.py  audio/stream.py")
    arrow((500, 62), (500, 98), label="blocks at 16 kHz")

    picture.frame(20, 100, 960, 300, "first = self.first_pass(audio)")
    box(380, 132, 240, 48, "log-mel features", "features/log_mel.py")
    arrow((500, 180), (500, 206))
    box(380, 208, 240, 48, "shared trunk, once", "encoders/local/trunk.py", fill=ACCENT)
    for x, title, file in (
        (29, "local speakers", "segmentation/segmentation_head.py"),
        (267, "embeddings of windows", "diarization/window_embedding.py"),
        (505, "subsegments of 1.5 s", "diarization/subsegments.py"),
        (743, "frame embeddings", "encoders/local/frame_head.py"),
    ):
        arrow((500, 256), (500, 274), (x + 114, 274), (x + 114, 296))
        box(x, 298, 228, 48, title, file)
    picture.text(
        500,
        378,
        "block by block: diarization/first_pass.py; kept on disk: diarization/cache.py",
        size=12,
    )
    arrow(
        (500, 400),
        (500, 428),
        label="activity and embeddings of local speakers, subsegments, frames",
    )

    picture.frame(20, 430, 960, 110, "linking = self.link(first, constraints)")
    box(40, 466, 280, 56, "constraints", "diarization/constraints.py")
    box(
        360,
        466,
        280,
        56,
        "clustering: VBx with a PLDA",
        "clustering/vbx.py  clustering/plda.py",
        fill=ACCENT,
    )
    box(
        680,
        466,
        280,
        56,
        "who is who in the recording",
        "diarization/linking.py",
        "diarization/assignment.py",
    )
    arrow((320, 494), (358, 494))
    arrow((640, 494), (678, 494))
    arrow((500, 540), (500, 568), label="speakers, their embeddings, a score for each count")

    picture.frame(20, 570, 960, 110, "activity = self.refine(first, linking)")
    box(140, 606, 320, 56, "resegmentation", "diarization/resegmentation.py")
    box(540, 606, 320, 56, "TS-VAD", "diarization/target_speaker_vad.py", fill=ACCENT)
    arrow((460, 634), (538, 634))
    arrow((500, 680), (500, 708), label="probability of each speaker in each frame")

    picture.frame(
        20,
        710,
        960,
        110,
        "return Diarization.from_activity(activity, first, linking, self.postprocessing)",
    )
    box(40, 746, 280, 56, "turns", "diarization/reconstruction.py")
    box(360, 746, 280, 56, "confidence", "diarization/confidence.py")
    box(
        680,
        746,
        280,
        56,
        "result, and its corrections",
        "diarization/result.py",
        "diarization/editing.py",
    )
    arrow((320, 774), (358, 774))
    arrow((640, 774), (678, 774))
    return picture


def trunk() -> Picture:
    """Draw one trunk and the heads that read it."""
    picture = Picture(1000, 300)
    for x, width, title, lines in (
        (20, 150, "waveform", ("16 kHz",)),
        (210, 150, "log-mel", ("80 bins",)),
        (400, 170, "trunk, once", ("a frame each 40 ms",)),
    ):
        picture.box(x, 122, width, 56, title, *lines, fill=ACCENT if width == 170 else PALE)
    picture.arrow((170, 150), (208, 150))
    picture.arrow((360, 150), (398, 150))
    heads = (
        ("segmentation head", "speech, overlap, local speakers"),
        ("utterance head", "any span: one unit vector"),
        ("frame head", "one vector each 40 ms"),
        ("TS-VAD head", "when each known speaker talks"),
        ("cues", "vectors and sequences for TSE, TTS"),
    )
    for number, (title, line) in enumerate(heads):
        y = 8 + 58 * number
        picture.box(680, y, 300, 48, title, line)
        picture.arrow((570, 150), (620, 150), (620, y + 24), (678, y + 24))
    return picture


def imports() -> Picture:
    """Draw the packages in floors; each may import what is below it."""
    width, height, gap = 200, 40, 20
    picture = Picture(1000, 30 + 66 * len(FLOORS))
    for floor, packages in enumerate(FLOORS):
        y = 14 + 66 * floor
        start = 500 - (len(packages) * (width + gap) - gap) / 2
        for place, package in enumerate(packages):
            fill = ACCENT if package == "diarspk.diarization" else PALE
            x = start + place * (width + gap)
            picture.box(x, y, width, height, package.replace(".", "/"), fill=fill)
        if floor + 1 < len(FLOORS):
            picture.arrow((500, y + height), (500, y + 64))
    y = 14 + 66 * (len(FLOORS) - 1) + 58
    picture.text(500, y, "and beneath all: errors, and modules of one function each", size=11)
    return picture


def main() -> None:
    """Write all pictures into the folder that is named."""
    folder = Path(sys.argv[1])
    for make in (pipeline, trunk, imports):
        (folder / f"{make.__name__}.svg").write_text(make().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
