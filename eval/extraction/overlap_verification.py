"""Verification of overlapped speech before and after extraction: whether one can tell who talks.

    python -m eval.extraction.overlap_verification --data ../shared/conversations/simulated

Each speaker of a conversation is enrolled by clean turns of the reference. A trial is a stretch of
at least a second in which two or more talk, with one enrolment: its score is the cosine of the
stretch's embedding to the enrolment's. Before, the stretch is as recorded; after, it is the track
that was extracted with that same enrolment.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

import diarspk
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import DiarspkWarning
from diarspk.verification.metrics import equal_error_rate
from eval.command_line import command
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversations
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from tse.cues import Reference
from tse.enrolment import EnrolmentConfig, collect, single_speaker_turns
from tse.extractor import Extractor
from tse.loading import load_extractor

__all__ = ["OverlapTrials", "overlapped_stretches", "run_conversation"]

Samples = NDArray[np.float32]

ENROLMENT = EnrolmentConfig(max_turn_s=60.0, candidates_s=EnrolmentConfig.max_total_s)
"""Enrolment by the longest turns, as they are."""


@dataclass(frozen=True)
class OverlapTrials:
    """Trials of one conversation: cosine before and after, and whether the speaker talks there."""

    conversation: str
    before: list[float]
    after: list[float]
    present: list[bool]


def overlapped_stretches(annotation: Annotation, *, min_seconds: float = 1.0) -> list[Segment]:
    """Stretches of one set of two or more speakers, long enough to be embedded."""
    edges = sorted({edge for turn in annotation.itersegments() for edge in (turn.start, turn.end)})
    found = []
    for start, end in pairwise(edges):
        middle = (start + end) / 2
        talking = annotation.crop(Segment(middle - 1e-6, middle + 1e-6)).labels()
        if len(talking) >= 2 and end - start >= min_seconds:
            found.append(Segment(start, end))
    return found


def run_conversation(
    conversation: Conversation, extractor: Extractor, encoder: SpeakerEncoder
) -> OverlapTrials:
    """Extract every speaker and score every overlapped stretch with every enrolment."""
    waveform = load_audio(conversation.audio)
    annotation = conversation.reference
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiarspkWarning)
        turns = {
            str(name): single_speaker_turns(annotation, name, ENROLMENT)
            for name in annotation.labels()
        }
    clips = collect([waveform], turns)
    enrolments = {name: np.concatenate(own) for name, own in clips.items()}
    cues = [extractor.source([Reference(enrolments[name], name)]) for name in turns]
    tracks = np.concatenate(list(extractor.extract_blocks([waveform], cues)), axis=1)
    own = {name: encoder.embed(enrolments[name], SAMPLE_RATE) for name in turns}
    stretches = overlapped_stretches(annotation)
    before, after, present = [], [], []
    for track, name in zip(tracks, turns, strict=True):
        for (one, other), stretch in zip(
            _pairs(waveform, track, stretches, encoder), stretches, strict=True
        ):
            before.append(float(one @ own[name]))
            after.append(float(other @ own[name]))
            line: Timeline = annotation.label_timeline(name)
            present.append(bool(line.crop(stretch)))
    return OverlapTrials(conversation.name, before, after, present)


def _pairs(
    waveform: Samples, track: Samples, stretches: Sequence[Segment], encoder: SpeakerEncoder
) -> Iterator[tuple[Samples, Samples]]:
    """Embeddings of each stretch alone, as recorded and as extracted."""
    for stretch in stretches:
        part = slice(round(stretch.start * SAMPLE_RATE), round(stretch.end * SAMPLE_RATE))
        yield encoder.embed(waveform[part], SAMPLE_RATE), encoder.embed(track[part], SAMPLE_RATE)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of conversations."""
    extractor: str | None = None
    """Name or card; none: the embedded one."""
    judge: str | None = None
    """Encoder that embeds; none: the embedded one."""


@command
def main(settings: Settings) -> None:
    extractor = load_extractor(settings.extractor)
    encoder = diarspk.load_encoder(settings.judge)
    found = [
        run_conversation(conversation, extractor, encoder)
        for conversation in read_conversations(settings.data)
    ]
    present = [value for one in found for value in one.present]
    rates = {
        when: equal_error_rate([v for one in found for v in getattr(one, when)], present)
        for when in ("before", "after")
    }
    rows = [[when, f"{len(present)}", f"{100 * rate:.1f}"] for when, rate in rates.items()]
    print(markdown_table(["overlapped stretches", "trials", "EER %"], rows))
    settings.report.write({"eer": rates, "conversations": [asdict(one) for one in found]})


if __name__ == "__main__":
    raise SystemExit(main())
