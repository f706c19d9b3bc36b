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

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.diarization.result import Diarization
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, DiarspkWarning
from diarspk.segmentation.silero import SileroNetwork
from eval.command_line import command
from eval.extraction.confidence import (
    JudgedTrack,
    describe_confidence,
    judge_track,
    rate_confidence,
    write_calibration,
)
from eval.extraction.meeting_cases import (
    MeetingCase,
    match_speakers,
    read_cases,
    simulate_cases,
)
from eval.extraction.meeting_measures import (
    TrackMeasures,
    TrackSound,
    find_targets,
    measure_track,
)
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from tse.cues import Reference
from tse.enrolment import EnrolmentConfig, collect, single_speaker_turns
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.meeting import extract_speakers
from tse.track_confidence import TrackScores

__all__ = [
    "CaseTracks",
    "Summary",
    "extract_case",
    "extract_plainly",
    "extract_tracks",
    "judge_case",
    "main",
    "measure_case",
    "summarise",
]

Samples = NDArray[np.float32]
Tracks = dict[str, Samples]

HEADER = [
    "system",
    "targets",
    *("similarity", "in overlap"),
    *("precision %", "recall %", "F1 %"),
    *("SI-SDR in overlap, dB", "worse than the mixture %"),
]


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


@dataclass(frozen=True, eq=False)
class CaseTracks:
    """Tracks of the speakers of a diarization.

    Attributes
    ----------
    systems : dict of str to dict of str to ndarray, ``(time,)``
        Of each system, by speaker.
    scores : dict of str to TrackScores
        What the confidence of ``extract --all`` is made of, by speaker.
    """

    systems: dict[str, Tracks]
    scores: dict[str, TrackScores]


def extract_case(
    case: MeetingCase, extractor: Extractor, diarizer: diarspk.Diarizer, *, plainly: bool
) -> tuple[CaseTracks, dict[str, str]]:
    """Extract everybody from a meeting, and match them with the speakers of the reference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiarspkWarning)
        diarization = diarizer(case.mixture, SAMPLE_RATE)
        systems = {"plain": extract_plainly(extractor, case, diarization)} if plainly else {}
        systems["tracks"], scores = extract_tracks(extractor, case, diarization)
    return CaseTracks(systems, scores), match_speakers(case.reference, diarization.annotation)


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


def extract_plainly(extractor: Extractor, case: MeetingCase, diarization: Diarization) -> Tracks:
    """Extract every speaker throughout, enrolled by the longest turns of nobody else."""
    turns = diarization.annotation
    config = EnrolmentConfig(max_turn_s=60.0, candidates_s=EnrolmentConfig.max_total_s)
    chosen = {str(name): single_speaker_turns(turns, name, config) for name in turns.labels()}
    clips = collect([case.mixture], chosen)
    cues = [extractor.source([Reference(np.concatenate(own), name)]) for name, own in clips.items()]
    if not cues:
        return {}
    voices = np.concatenate(list(extractor.extract_blocks([case.mixture], cues)), axis=1)
    return dict(zip(clips, voices, strict=True))


def extract_tracks(
    extractor: Extractor, case: MeetingCase, diarization: Diarization
) -> tuple[Tracks, dict[str, TrackScores]]:
    """Extract every speaker as ``diarspk extract --all`` does; with what the confidence is of."""
    with tempfile.TemporaryDirectory() as folder:
        stream = open_audio(case.mixture, SAMPLE_RATE)
        tracks = extract_speakers(stream, folder, diarization, extractor=extractor)
        voices = {track.speaker: load_audio(track.file) for track in tracks}
        return voices, {one.speaker: one.scores for one in tracks if one.scores is not None}


@dataclass(frozen=True)
class Summary:
    """Means over the targets of a system; seconds are pooled before they are divided."""

    system: str
    targets: int
    whole: float
    overlap: float
    precision: float
    recall: float
    ratio_db: float
    worse: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of the seconds in which the track talks."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0

    def row(self) -> list[str]:
        """Cells of the table."""
        similarities = [f"{one:.3f}" for one in (self.whole, self.overlap)]
        timing = [f"{100 * one:.1f}" for one in (self.precision, self.recall, self.f1)]
        ratio = ["-"] * 2
        if np.isfinite(self.ratio_db):
            ratio = [f"{self.ratio_db:.2f}", f"{100 * self.worse:.0f}"]
        return [self.system, f"{self.targets}", *similarities, *timing, *ratio]


def summarise(measured: Sequence[TrackMeasures]) -> list[Summary]:
    """Summarise every system, in the order in which they come."""
    systems = dict.fromkeys(one.system for one in measured)
    mixtures = {
        (one.meeting, one.target): one.ratio_db for one in measured if one.system == "mixture"
    }
    summaries = []
    for system in systems:
        own = [one for one in measured if one.system == system]
        right, extra, missed = (
            sum(getattr(one, name) for one in own) for name in ("right_s", "extra_s", "missed_s")
        )
        rated = [one for one in own if np.isfinite(one.ratio_db)]
        worse = [one.ratio_db < mixtures[one.meeting, one.target] for one in rated]
        summaries.append(
            Summary(
                system,
                len(own),
                _mean([one.whole for one in own]),
                _mean([one.overlap for one in own]),
                right / max(right + extra, 1e-9),
                right / max(right + missed, 1e-9),
                _mean([one.ratio_db for one in own]),
                float(np.mean(worse)) if worse else float("nan"),
            )
        )
    return summaries


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


if __name__ == "__main__":
    raise SystemExit(main())
