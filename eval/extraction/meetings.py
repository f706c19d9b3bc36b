"""Voices out of meetings: what ``diarspk extract --all`` gains, beside extraction without it.

    python -m eval.extraction.meetings --data ../shared/conversations/ami --reference mfa \
        --judge 3dspeaker-campplus --json ami.json
    python -m eval.extraction.meetings --simulate ../shared --judge 3dspeaker-campplus [--write]

Every meeting is diarized by the default diarizer, and its speakers are matched with the
reference's. Three systems: the mixture itself; ``plain``: enrolled by the longest turns in which
nobody else talks, and extracted throughout, as ``extract --all`` did before it had gates; and
``tracks``: :func:`tse.extract_speakers`. What is measured, see
:mod:`eval.extraction.meeting_measures`. Simulated meetings also tell the SI-SDR in overlap. The
judge of similarity should not be the encoder of the cue. On simulated meetings the confidence of
the tracks is judged as well, and ``--write`` fits it to them (:mod:`eval.extraction.confidence`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import diarspk
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError
from diarspk.segmentation.silero import SileroNetwork
from eval.command_line import command
from eval.extraction.confidence import (
    JudgedTrack,
    describe_confidence,
    judge_track,
    rate_confidence,
    write_calibration,
)
from eval.extraction.meeting_cases import MeetingCase, read_cases, simulate_cases
from eval.extraction.meeting_measures import (
    TrackMeasures,
    TrackSound,
    find_targets,
    measure_track,
)
from eval.extraction.meeting_summary import HEADER, summarise
from eval.extraction.meeting_tracks import CaseTracks, extract_case
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from tse.loading import load_extractor

__all__ = ["judge_case", "main", "measure_case"]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...] = ()
    """Folders of recordings with references."""
    reference: str = "own"
    """Which of their references: own, or a name below references/."""
    simulate: Path | None = None
    """Data folder with speech, noise and annotations, to simulate meetings from."""
    count: int = 8
    """Number of simulated meetings."""
    seconds: float = 60.0
    """Length of simulated meetings."""
    seed: int = 12
    """Seed of simulated meetings."""
    recordings: tuple[str, ...] = ()
    """Names of the recordings that are tried; none: all."""
    extractor: str | None = None
    """Name or card; none: the embedded one."""
    judge: str | None = None
    """Encoder that embeds; none: the embedded one."""
    quick: bool = False
    """Extract in one pass that is not verified, which takes a quarter of the time."""
    only_confidence: bool = False
    """Judge nothing but the confidence."""
    write: bool = False
    """Write the calibration of the confidence into the package."""


@command
def main(settings: Settings) -> None:
    if not settings.data and settings.simulate is None:
        raise ArgumentError("give --data FOLDER, --simulate FOLDER, or both")
    extractor, judge = load_extractor(settings.extractor), diarspk.load_encoder(settings.judge)
    if settings.quick:
        extractor = replace(extractor, passes=1, verifier=None)
    only = settings.only_confidence
    diarizer, detector = diarspk.Diarizer(), SileroNetwork()
    found: dict[str, list[TrackMeasures]] = {}
    judged: list[JudgedTrack] = []
    for title, case in follow(_cases(settings), "meetings"):
        tracks, matched = extract_case(case, extractor, diarizer, plainly=not only)
        if not only:
            measured = measure_case(case, tracks, matched, judge, detector)
            found.setdefault(title, []).extend(measured)
        judged += judge_case(case, tracks, matched)
    figures: dict[str, Any] = {
        title: [asdict(one) for one in measured] for title, measured in found.items()
    }
    for title, measured in found.items():
        print(f"{title}\n\n{markdown_table(HEADER, [one.row() for one in summarise(measured)])}\n")
    settings.report.write(figures)
    if settings.write:
        write_calibration(judged, extractor.space)
    if judged:
        figures["confidence"] = rate_confidence(judged)
        print(describe_confidence(figures["confidence"]))
        settings.report.write(figures)


def _cases(settings: Settings) -> Iterator[tuple[str, MeetingCase]]:
    for title, case in read_cases(settings.data, settings.reference):
        if not settings.recordings or case.name in settings.recordings:
            yield title, case
    if settings.simulate is not None:
        made = simulate_cases(
            settings.simulate, count=settings.count, seed=settings.seed, seconds=settings.seconds
        )
        yield from (("simulated, with parts", case) for case in made)


def measure_case(
    case: MeetingCase,
    tracks: CaseTracks,
    matched: Mapping[str, str],
    judge: SpeakerEncoder,
    detector: SileroNetwork,
) -> list[TrackMeasures]:
    """Measure every target of a meeting whom the diarization has found, for every system."""
    mixture = TrackSound.of(case.mixture, judge, detector)
    measured = []
    for target in find_targets(case, judge):
        speaker = matched.get(target.name, "")
        if all(speaker in own for own in tracks.systems.values()):
            measured.append(measure_track(case, target, "mixture", mixture, judge))
            for system, own in tracks.systems.items():
                sound = TrackSound.of(own[speaker], judge, detector)
                measured.append(measure_track(case, target, system, sound, judge))
    return measured


def judge_case(
    case: MeetingCase, tracks: CaseTracks, matched: Mapping[str, str]
) -> list[JudgedTrack]:
    """Judge the tracks of a meeting whose parts are known, second by second."""
    if not case.voices:
        return []
    return [
        judge_track(tracks.scores[speaker], tracks.systems["tracks"][speaker], case, name)
        for name, speaker in matched.items()
        if speaker in tracks.scores
    ]


if __name__ == "__main__":
    raise SystemExit(main())
