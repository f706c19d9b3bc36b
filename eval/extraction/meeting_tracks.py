"""Everybody of a meeting extracted, with and without what ``extract --all`` adds."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.diarization.result import Diarization
from diarspk.errors import DiarspkWarning
from eval.extraction.meeting_cases import MeetingCase, match_speakers
from tse.cues import Reference
from tse.enrolment import EnrolmentConfig, collect, single_speaker_turns
from tse.extractor import Extractor
from tse.meeting import extract_speakers
from tse.track_confidence import TrackScores

__all__ = ["CaseTracks", "extract_case", "extract_plainly", "extract_tracks"]

Tracks = dict[str, NDArray[np.float32]]


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
