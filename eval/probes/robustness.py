"""Robustness of cues: cosine to the clean cue and EER on degraded speech."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.confidence_interval import Interval
from diarspk.verification.metrics import equal_error_rate
from eval.embeddings.speech import Utterance
from eval.probes.degradation import Degradation
from eval.probes.fitting import group_interval
from eval.probes.probing import comparable
from eval.probes.vectors import Cues, Read, stack_cues
from eval.report.markdown import markdown_table

__all__ = [
    "CONVENTION",
    "Robustness",
    "describe_robustness",
    "format_robustness",
    "try_cue",
    "try_system",
]

CLEAN = "clean"

CONVENTION = (
    "Cosine of the cue to that of the same utterance undegraded, with 95 % of a bootstrap over "
    "speakers; EER of undegraded enrolments against degraded tests, all pairs of two utterances. "
    "Cues that are not unit vectors are standardised, component by component, as the undegraded "
    "ones are."
)


@dataclass(frozen=True)
class Robustness:
    """A cue under one degradation.

    Attributes
    ----------
    system, cue, degradation, family : str
    cosine : Interval
        Mean over utterances.
    equal_error_rate : float
    utterances, trials : int
    """

    system: str
    cue: str
    degradation: str
    family: str
    cosine: Interval
    equal_error_rate: float
    utterances: int
    trials: int


def try_system(
    system: str,
    read: Read,
    utterances: Sequence[Utterance],
    ways: Sequence[Degradation],
    *,
    seed: int = 0,
    resamples: int = 200,
) -> Iterator[Robustness]:
    """Every cue of a system as it is, then under every degradation.

    What happens to an utterance depends on the seed, the degradation and the place of the
    utterance alone, so that all systems embed the same.
    """
    speakers = [one.speaker for one in utterances]
    clean = stack_cues([read(one.waveform) for one in utterances])
    options = {"seed": seed, "resamples": resamples}
    yield from _compare(system, (CLEAN, CLEAN), clean, clean, speakers, **options)
    for number, way in enumerate(ways):
        degraded = stack_cues(
            [
                read(way.apply(one.waveform, np.random.default_rng([seed, number, place])))
                for place, one in enumerate(utterances)
            ]
        )
        yield from _compare(system, (way.name, way.family), clean, degraded, speakers, **options)


def try_cue(
    clean: NDArray[np.float64],
    degraded: NDArray[np.float64],
    speakers: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 200,
) -> tuple[Interval, float, int]:
    """Cosine to the clean cue, EER of clean against degraded, and the number of trials.

    Parameters
    ----------
    clean, degraded : ndarray, ``(n, dim)``
        Of the same utterances.
    """
    first, second = (normalize_rows(comparable(rows, clean)) for rows in (clean, degraded))
    cosines = np.einsum("nd,nd->n", first, second)
    _, person = np.unique(np.asarray(speakers), return_inverse=True)
    apart = ~np.eye(len(first), dtype=bool)
    scores = (first @ second.T)[apart]
    labels = (person[:, None] == person[None, :])[apart]
    interval = group_interval(
        lambda values, _: float(values.mean()), cosines, cosines, person, resamples, seed
    )
    known = 0 < labels.sum() < len(labels)
    return interval, equal_error_rate(scores, labels) if known else float("nan"), len(labels)


def format_robustness(found: Sequence[Robustness]) -> str:
    """Two Markdown tables, cosines and error rates: a row for each cue, a column for each way."""
    ways = list(dict.fromkeys(one.degradation for one in found))
    cells = {(one.system, one.cue, one.degradation): one for one in found}
    rows = list(dict.fromkeys((one.system, one.cue) for one in found))

    def table(title: str, figure: Any) -> str:
        lines = [
            [system, cue, *(figure(cells[system, cue, way]) for way in ways)]
            for system, cue in rows
        ]
        return markdown_table([title, "cue", *ways], lines)

    return "\n\n".join(
        [
            table("cosine", lambda one: f"{one.cosine.value:.3f}"),
            table("EER %", lambda one: f"{100 * one.equal_error_rate:.2f}"),
        ]
    )


def describe_robustness(found: Sequence[Robustness]) -> dict[str, Any]:
    """Document as JSON holds it; :mod:`eval.cues` reads it."""
    return {"convention": CONVENTION, "robustness": [asdict(one) for one in found]}


def _compare(
    system: str,
    way: tuple[str, str],
    clean: Cues,
    degraded: Cues,
    speakers: Sequence[str],
    **options: int,
) -> Iterator[Robustness]:
    for cue, rows in clean.items():
        cosine, error, trials = try_cue(rows, degraded[cue], speakers, **options)
        yield Robustness(system, cue, *way, cosine, error, len(rows), trials)
