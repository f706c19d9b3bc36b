"""Command line of ``diarspk detect``; the work is done in :mod:`tse.detection`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.json_text import json_text
from diarspk.cli.options import Channel, Device, Raw, Track
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    from tse.detection import Detection

__all__ = ["detect"]


def detect(
    recording: Annotated[Path, typer.Argument(metavar="AUDIO", help="Recording.")],
    enroll: Annotated[
        list[Path],
        typer.Option(metavar="AUDIO", help="Enrolment recording of the speaker; repeatable."),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the speaker. Default: that of the first enrolment recording."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Probability from which the speaker talks.")
    ] = 0.5,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the probability of every 0.08 s.")
    ] = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    device: Device = "auto",
) -> None:
    """Find out when an enrolled speaker talks in a recording, and whether at all.

    Prints RTTM of that speaker alone, and on stderr how likely it is that the speaker is there.
    """
    reader = Reader.of([recording, *enroll], channel=channel, track=track, raw=raw)
    with exit_on_error():
        from diarspk.diarization.diarizer import Diarizer
        from tse.detection import detect as find

        detection = find(
            reader.open(recording),
            [reader.open(one) for one in enroll],
            diarizer=Diarizer(device=device),
        )
        speaker = name or stem(enroll[0])
        say(_describe(detection, speaker, recording))
        if as_json:
            print(json_text(_record(detection, speaker, recording, threshold)))
        elif detection.is_present:
            _print_turns(detection, speaker, recording, threshold)


def _describe(detection: Detection, speaker: str, recording: Path) -> str:
    sure = f"probability {detection.presence:.2f}"
    if detection.is_present:
        return f"{speaker}: talks in {recording} for some {detection.seconds:.1f} s ({sure})"
    return f"{speaker}: probably not in {recording} ({sure})"


def _record(
    detection: Detection, speaker: str, recording: Path, threshold: float
) -> dict[str, object]:
    from tse.detection import STEP_S

    return {
        "file": str(recording),
        "speaker": speaker,
        "presence": round(detection.presence, 4),
        "is_present": detection.is_present,
        "seconds": round(detection.seconds, 2),
        "turns": [[round(time, 2) for time in turn] for turn in detection.turns(threshold)],
        "step_s": STEP_S,
        "probabilities": [round(float(one), 4) for one in detection.probabilities],
    }


def _print_turns(detection: Detection, speaker: str, recording: Path, threshold: float) -> None:
    from pyannote.core import Annotation, Segment

    from diarspk.formats import write_rttm

    annotation = Annotation(uri=stem(recording))
    for start, end in detection.turns(threshold):
        annotation[Segment(start, end)] = speaker
    write_rttm(annotation, sys.stdout)
