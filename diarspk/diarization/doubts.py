"""What makes a result doubtful, in sentences: its recording, and the number of its speakers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from diarspk.clustering.speaker_bounds import SpeakerBounds

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.diarization.linking import Linking
    from diarspk.diarization.local_speakers import FirstPass

__all__ = ["TALKATIVE_S", "find_count_doubts", "find_doubts", "find_uncertain_speakers"]

TALKATIVE_S = 3.0
"""Seconds of talk below which a speaker may be somebody else's, or nobody."""

MAX_SHARE = 0.1
"""Share of the talk of who talks most, from which a speaker is none of them."""

NEAR = 0.8
"""Share of the probability of the number found from which another number is as good."""

MIN_SPEECH_S = 40.0
"""Seconds of speech from which a number that fits as well is worth a warning."""

MAX_NAMES = 3


def find_doubts(
    annotation: Annotation,
    first: FirstPass,
    linking: Linking,
    *,
    speakers: int,
    uncertain: Collection[str],
) -> tuple[str, ...]:
    """Say what makes a result doubtful.

    Parameters
    ----------
    annotation : pyannote.core.Annotation
        Turns.
    first : FirstPass
        First pass over the recording.
    linking : Linking
        With the bounds of the caller and the probabilities of other numbers of speakers.
    speakers, uncertain
        See :func:`find_count_doubts`.
    """
    speech_s = annotation.get_timeline().support().duration()
    counts = find_count_doubts(
        speakers, uncertain, linking.count_posterior, speech_s, linking.bounds
    )
    return (*_find_recording_doubts(first, bool(annotation)), *counts)


def find_uncertain_speakers(annotation: Annotation, known: Collection[str] = ()) -> tuple[str, ...]:
    """Speakers who say next to nothing, the shortest first; never the known.

    They talk less than three seconds in all, and a small share of what the one who talks most does.
    """
    seconds_of = dict(annotation.chart())
    limit = min(TALKATIVE_S, MAX_SHARE * max(seconds_of.values(), default=0.0))
    spoken = {
        speaker: seconds
        for speaker, seconds in seconds_of.items()
        if seconds < limit and speaker not in known
    }
    return tuple(sorted(spoken, key=lambda speaker: (spoken[speaker], speaker)))


def find_count_doubts(
    speakers: int,
    uncertain: Collection[str],
    posterior: Mapping[int, float],
    speech_s: float,
    bounds: SpeakerBounds,
) -> list[str]:
    """Say where a number that is told is not met, and where another is about as probable.

    Parameters
    ----------
    speakers : int
        Number of speakers found.
    uncertain : collection of str
        Those of them who say next to nothing.
    posterior : mapping of int to float
        Probability of each number of people who talk three seconds or more.
    speech_s : float
        Seconds of speech. In little of it other numbers nearly always fit as well, and nothing is
        said of them.
    bounds : SpeakerBounds
        What the caller has told.
    """
    doubts = []
    if 0 < speakers < bounds.needed:
        doubts.append(f"{_people(bounds.needed)} asked for, but only {speakers} can be told apart")
    sure = speakers - len(uncertain)
    told = bounds.exact is not None
    others = {
        count: value
        for count, value in posterior.items()
        if not (sure <= count <= speakers) and bounds.needed <= count <= (bounds.limit or count)
    }
    if others and not told and speech_s >= MIN_SPEECH_S:
        other = max(others, key=lambda count: (others[count], -count))
        own = max((posterior.get(count, 0.0) for count in range(sure, speakers + 1)), default=0.0)
        if others[other] >= max(NEAR * own, 1.0 / 4.0):
            doubts.append(
                f"{_people(speakers)} found ({own:.0%} probable), but {other} would fit about as "
                f"well ({others[other]:.0%}); tell the number if you know it"
            )
    if uncertain and not told:
        shown = ", ".join(sorted(uncertain)[:MAX_NAMES])
        more = f" and {len(uncertain) - MAX_NAMES} more" if len(uncertain) > MAX_NAMES else ""
        verb = "talks" if len(uncertain) == 1 else "talk"
        doubts.append(
            f"{shown}{more} {verb} for less than {TALKATIVE_S:g} s, and may be somebody else"
        )
    return doubts


def _find_recording_doubts(first: FirstPass, speech: bool) -> list[str]:
    """Say what a recording lacks that has no speech, or is hardly fit for a result."""
    faults = [] if first.quality is None else first.quality.faults
    reason = f"the recording is {', '.join(faults)}" if faults else ""
    if not speech:
        why = reason or "if there is some, it is too short, or too weak beside the loudest sounds"
        return [f"no speech was found in {first.duration:.1f} s; {why}"]
    return [f"{reason}; check the result"] if faults else []


def _people(count: int) -> str:
    return "1 speaker" if count == 1 else f"{count} speakers"
