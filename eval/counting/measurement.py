"""Systems on sessions: who they found, told nothing, the number of people, or a bound on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.diarizer import Diarizer
from diarspk.diarization.result import Diarization
from diarspk.errors import ArgumentError
from diarspk.metrics import Components, score
from eval.counting.peak_memory import peak_megabytes, reset_peak
from eval.counting.session_plan import SessionPlan
from eval.counting.session_set import PlannedSession
from eval.diarization.benchmark import run_diarizer
from eval.diarization.conversation import Conversation
from eval.diarization.result_cache import Hypothesis, HypothesisStore
from eval.report.progress import follow
from eval.systems.registry import load_diarizer

__all__ = ["CONDITIONS", "OWN_SYSTEM", "TALKATIVE_S", "Condition", "Measurement", "measure"]

Condition = Literal["automatic", "given", "minimum", "maximum"]
"""Told nothing; the number of people; that there are so many at least; or at most."""

CONDITIONS: tuple[Condition, ...] = get_args(Condition)

Run = Callable[[Conversation, Condition], Hypothesis]
"""A recording with its reference, of which only what is told is read -> who talks when."""

OWN_SYSTEM = "diarspk"
COLLECTION = "counting"

TALKATIVE_S = 3.0
"""From so many seconds of talk on, a person ought to be found."""


@dataclass(frozen=True)
class Measurement:
    """One system on one session under one condition.

    Attributes
    ----------
    plan : SessionPlan
    system, condition : str
    components : Components
        Seconds of error and of reference speech.
    people, found : int
        In truth, and by the system.
    talkative, found_talkative : int
        The same of those who talk three seconds or more.
    posterior : mapping of int to float
        Probability of each number of people, where the system tells it.
    seconds : float
        Wall-clock: of ours after the first pass, which conditions share, of others all of it.
    megabytes : float
        Largest resident memory of our process meanwhile; 0 for others.
    """

    plan: SessionPlan
    system: str
    condition: Condition
    components: Components
    people: int
    found: int
    talkative: int
    found_talkative: int
    posterior: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0


def measure(
    sessions: Sequence[PlannedSession],
    *,
    systems: Sequence[str],
    conditions: Sequence[Condition],
    keep: Path,
    encoder: str,
) -> Iterator[Measurement]:
    """Run every system on every session; results that are stored are not made again.

    Only ours takes a number of people; other systems are measured when they are told nothing.

    Parameters
    ----------
    sessions
        What is measured, in this order, system by system.
    systems
        Names that :func:`eval.systems.registry.load_diarizer` knows.
    conditions
        What ours is told.
    keep
        Folder of results and first passes.
    encoder
        Of our diarizer.

    Raises
    ------
    ArgumentError
        If there is no system of a name.
    DiarspkError
        If a system cannot be loaded, or fails.
    """
    store = HypothesisStore(keep / "results")
    for system in systems:
        told = conditions if system == OWN_SYSTEM else CONDITIONS[:1]
        run: Run | None = None
        for session in follow(sessions, system):
            audio = session.conversation.audio
            for condition in told:
                key = f"{system}-{condition}-{encoder}" if system == OWN_SYSTEM else system
                found = store.read(key, COLLECTION, audio, 0)
                if found is None:
                    run = run or _load(system, encoder, keep / "first_passes")
                    found = run(session.conversation, condition)
                    store.write(key, COLLECTION, audio, 0, found)
                yield _compare(session, system, condition, found)


def _load(system: str, encoder: str, cache: Path) -> Run:
    if system == OWN_SYSTEM:
        return _own_diarizer(encoder, cache)
    diarize = load_diarizer(system)
    return lambda conversation, _: run_diarizer(diarize, conversation.audio)


def _own_diarizer(encoder: str, cache: Path) -> Run:
    diarizer = Diarizer.load(encoder, cache=cache)

    def run(conversation: Conversation, condition: Condition) -> Hypothesis:
        bounds = _bounds(conversation.count_speakers(conversation.reference), condition)
        first = diarizer.first_pass(conversation.audio, min_speakers=bounds.needed)
        reset_peak()
        start = time.perf_counter()
        result = Diarization.from_first_pass(
            first, diarizer.postprocessing, Constraints(bounds=bounds)
        )
        seconds = time.perf_counter() - start
        details = {
            "posterior": {str(count): value for count, value in result.count_scores.items()},
            "megabytes": peak_megabytes(),
        }
        return Hypothesis(result.annotation, seconds, details)

    return run


def _bounds(people: int, condition: Condition) -> SpeakerBounds:
    """Return what is told of the number of people."""
    told = {
        "automatic": SpeakerBounds(),
        "given": SpeakerBounds(exact=people),
        "minimum": SpeakerBounds(minimum=people),
        "maximum": SpeakerBounds(maximum=people),
    }
    if condition not in told:
        raise ArgumentError(
            f"`conditions` must be among {', '.join(CONDITIONS)}, got {condition!r}"
        )
    return told[condition]


def _compare(
    session: PlannedSession, system: str, condition: Condition, found: Hypothesis
) -> Measurement:
    """Compare a hypothesis with what was laid."""
    conversation = session.conversation
    name, uem = conversation.name, conversation.uem
    talk, found_talk = (
        [seconds for _, seconds in one.crop(uem).chart()]
        for one in (conversation.reference, found.annotation)
    )
    posterior = found.details.get("posterior", {})
    return Measurement(
        session.plan,
        system,
        condition,
        score(
            {name: conversation.reference}, {name: found.annotation}, {name: uem}, collar=0.0
        ).pooled,
        people=len(talk),
        found=len(found_talk),
        talkative=_count_talkative(talk),
        found_talkative=_count_talkative(found_talk),
        posterior={int(count): float(value) for count, value in posterior.items()},
        seconds=found.processing,
        megabytes=float(found.details.get("megabytes", 0.0)),
    )


def _count_talkative(talk: Sequence[float]) -> int:
    return sum(seconds >= TALKATIVE_S for seconds in talk)
