r"""Fit how probable each number of people is, on simulated sessions of training speakers.

    python -m recipes.plda.counts --data ../shared --keep KEPT \
        --output diarspk/assets/counts/PRINT.json

DATA holds ``speech/``, ``noise/noise/*.opus`` and ``conversations/annotations``; sessions and first
passes are kept in KEPT. PRINT is the encoder's fingerprint. The sessions, 1 to 26 people in half a
minute to five, are cut into pieces (``pieces.py``), each is clustered as in a recording of its own,
and the weights of :class:`diarspk.clustering.count_model.CountModel` maximise the likelihood of the
numbers of people who talk for three seconds or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.clustering_input import validate
from diarspk.clustering.count_model import (
    UNWEIGHED,
    CountModel,
    CountSigns,
    fewer_features,
    further_features,
    write_count_model,
)
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.diarization.diarizer import Diarizer
from eval.command_line import command
from eval.counting.measurement import TALKATIVE_S
from eval.counting.session_plan import Rooms, SessionPlan, Shares, Voices
from eval.counting.session_set import SessionSource, write_sessions
from eval.report.progress import follow
from recipes.plda.pieces import PieceSettings, Session, cut_pieces

__all__ = ["Counted", "Settings", "fit", "main", "plan"]

LENGTHS = ((0.5, 1.5, 30), (1.5, 5.0, 40))
"""Minutes from and to, and number of sessions."""

ROOMS: tuple[Rooms, ...] = ("one", "changing", "joined")
SHARES: tuple[Shares, ...] = ("equal", "skewed", "brief")

SECONDS_EACH = 7.0
"""Minimum length of a session for each of its people."""

DECAY = 1e-3
"""Weight of the squared weights in what is minimised."""

FLOOR = 0.002
"""Probability that a number has whatever the evidence: no session decides alone."""


class Counted(NamedTuple):
    """Evidence on a piece, and how many people it has in truth."""

    signs: CountSigns
    people: int


def plan(seed: int = 77) -> list[SessionPlan]:
    """Plan sessions; numbers of people are even on a scale of octaves, as lengths are."""
    generator = np.random.default_rng(seed)
    plans: list[SessionPlan] = []
    for low, high, count in LENGTHS:
        for _ in range(count):
            minutes = round(float(np.exp(generator.uniform(np.log(low), np.log(high)))), 1)
            most = min(80, max(2, int(60 * minutes / SECONDS_EACH)))
            people = round(float(np.exp(generator.uniform(0, np.log(most + 0.49)))))
            people = max(1, min(people, most))
            rooms = ROOMS[generator.integers(3)]
            shares = SHARES[generator.integers(3)]
            voices: Voices = "same sex" if generator.random() < 0.3 else "any"
            plans.append(
                SessionPlan(
                    f"fit-{len(plans):03d}",
                    people,
                    minutes,
                    "changing" if rooms == "joined" and people < 4 else rooms,
                    "equal" if shares == "brief" and people < 3 else shares,
                    voices,
                    seed=31,
                )
            )
    return plans


def fit(counted: Sequence[Counted]) -> CountModel:
    """Maximise the likelihood of the true numbers, by L-BFGS from the rule of thumb."""
    from scipy.optimize import minimize

    split = len(UNWEIGHED.further)

    def model(weights: NDArray[np.float64]) -> CountModel:
        return CountModel(tuple(weights[:split].tolist()), tuple(weights[split:].tolist()))

    features = [
        (
            further_features(one.signs, one.signs.cuts),
            fewer_features(one.signs, one.signs.joins),
            one.people - one.signs.speakers,
        )
        for one in counted
    ]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, gradient = 0.0, np.zeros_like(weights)
        for more, fewer, difference in features:
            value, slope = _log_likelihood(more, fewer, difference, weights, split)
            total -= value
            gradient -= slope
        size = len(features)
        return (
            total / size + DECAY * float(weights @ weights),
            gradient / size + 2 * DECAY * weights,
        )

    start = np.array([*UNWEIGHED.further, *UNWEIGHED.fewer])
    return model(minimize(loss, start, jac=True, method="L-BFGS-B").x)


def _log_likelihood(
    more: NDArray[np.float64],
    fewer: NDArray[np.float64],
    difference: int,
    weights: NDArray[np.float64],
    split: int,
) -> tuple[float, NDArray[np.float64]]:
    """Log-likelihood of so many true cuts less true joins, and its gradient."""
    up = _sigmoid(more @ weights[:split])
    down = _sigmoid(fewer @ weights[split:])
    # "A join is false" adds one person as "a cut is true" does.
    chances = np.concatenate([up, 1.0 - down])
    target = difference + len(down)
    before, after = _partial(chances), _partial(chances[::-1])[::-1]
    total = before[-1]
    likelihood = total[target] if 0 <= target < len(total) else 0.0
    mixed = (1.0 - FLOOR) * likelihood + FLOOR / len(total)
    slopes = np.zeros(len(chances))
    if 0 <= target < len(total):
        for index in range(len(chances)):
            rest = np.convolve(before[index], after[index + 1])
            one = rest[target - 1] if 1 <= target <= len(rest) else 0.0
            none = rest[target] if target < len(rest) else 0.0
            slopes[index] = (1.0 - FLOOR) * (one - none) / mixed
    slopes *= chances * (1.0 - chances)
    sign = np.concatenate([np.ones(len(up)), -np.ones(len(down))])
    slopes *= sign
    gradient = np.concatenate([slopes[: len(up)] @ more, slopes[len(up) :] @ fewer])
    return float(np.log(mixed)), gradient


def _partial(chances: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Distributions of the number of true events of the first 0, 1, 2 ... of them."""
    found = [np.ones(1)]
    for chance in chances.tolist():
        found.append(np.convolve(found[-1], [1.0 - chance, chance]))
    return found


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0))))


def collect(
    clusterer: CountingClusterer, sessions: Sequence[Session], settings: PieceSettings
) -> list[Counted]:
    """Cluster the pieces of sessions, and collect the evidence on each."""
    pieces = cut_pieces(sessions, settings, min_talk_s=TALKATIVE_S)
    found: list[Counted] = []
    for piece in follow(pieces, "pieces", len(sessions) * settings.pieces):
        points, _ = validate(piece.inputs)
        found.append(Counted(clusterer.count(points).signs, piece.people))
    return found


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    data: Path
    """Folder of speech, noise and annotations."""
    keep: Path
    """Folder of sessions and first passes, which a later run goes on from."""
    output: Path
    """JSON file to write."""
    pieces: PieceSettings
    templates: tuple[str, ...] = ("ami-train",)
    """Sets of annotations that turn-taking is cut of."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    source = SessionSource(settings.data, "train", settings.templates)
    planned = write_sessions(source, plan(), settings.keep / "sessions")
    diarizer = Diarizer(cache=settings.keep / "first_passes")
    clusterer = diarizer.postprocessing.subsegment_clusterer
    assert isinstance(clusterer, CountingClusterer)  # the embedded encoder's
    sessions = [
        Session(diarizer.first_pass(one.conversation.audio), one.conversation.reference)
        for one in follow(planned, "first passes")
    ]
    counted = collect(clusterer, sessions, settings.pieces)
    model = fit(counted)
    posteriors = [model.posterior(one.signs) for one in counted]
    likeliest = [max(one, key=lambda count: one[count]) for one in posteriors]
    right = [count == one.people for count, one in zip(likeliest, counted, strict=True)]
    sure = [max(one.values()) for one in posteriors]
    card: dict[str, object] = {
        "recipe": (
            "python -m recipes.plda.counts --data DATA --keep KEPT "
            f"--pieces {settings.pieces.pieces} --joined {settings.pieces.joined:g} "
            f"--microphones {settings.pieces.microphones:g} --seed {settings.pieces.seed}"
        ),
        "encoder": diarizer.encoder.fingerprint,
        "sessions": len(sessions),
        "pieces": len(counted),
    }
    weights = (tuple(round(one, 4) for one in part) for part in (model.further, model.fewer))
    write_count_model(settings.output, CountModel(*weights), card)
    print(f"further: {model.further}\nfewer: {model.fewer}")
    print(f"likeliest number right: {np.mean(right):.3f}, said: {np.mean(sure):.3f}")


if __name__ == "__main__":
    raise SystemExit(main())
