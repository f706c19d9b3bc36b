"""What NESSA (arXiv 2401.12440) claims of alignments, asked of the rows of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.verification.cross_encoder_verification import (
    FALSE_ALARM_RATES,
    AsymmetricResult,
    gain_retained,
)

__all__ = ["LOGITS", "NEURAL", "Claim", "check_claims", "format_claims"]

NEURAL = ("m1", "m2", "m1-contrastive", "m2-contrastive", "m3", "m3-enrolment")
LOGITS = "logits"

OVER_LOGITS, ONE_SIDED, KEPT = 0.6, 0.4362, 0.6
"""Figures of the paper: less false rejection than the logits' at a false acceptance of 12.5 %, less
than that of the old encoder on both sides, and gain kept by updating one side."""


@dataclass(frozen=True)
class Claim:
    """One claim, and what was found.

    Attributes
    ----------
    claim : str
        As the paper has it, in short.
    found : str
        Figures.
    holds : bool, optional
        None where the comparison cannot tell.
    """

    claim: str
    found: str
    holds: bool | None


def check_claims(
    old: AsymmetricResult, new: AsymmetricResult, methods: Sequence[AsymmetricResult]
) -> Iterator[Claim]:
    """Ask each claim of one pair of encoders.

    Parameters
    ----------
    old, new : AsymmetricResult
        Each encoder on both sides.
    methods : sequence of AsymmetricResult
        Alignments by name; claims on those that are missing are left out.
    """
    by_name = {one.method: one for one in methods}
    neural = [by_name[name] for name in NEURAL if name in by_name]
    if not neural:
        return
    at = f"FRR at FAR {100 * FALSE_ALARM_RATES[0]:g} %"
    best = min(neural, key=lambda one: (one.miss_rates[0], one.equal_error_rate))
    if LOGITS in by_name:
        logits = by_name[LOGITS].miss_rates[0]
        yield _less(
            f"{at} at least {100 * OVER_LOGITS:g} % below that of speaker logits",
            best,
            logits,
            OVER_LOGITS,
        )
    yield _less(
        f"{at} up to {100 * ONE_SIDED:.2f} % below that of the old encoder on both sides",
        best,
        old.miss_rates[0],
        ONE_SIDED,
    )
    yield _kept(old, new, min(neural, key=lambda one: one.equal_error_rate))
    if {"m1", "m2"} <= by_name.keys():
        yield _direction(old, new, by_name["m1"], by_name["m2"])


def format_claims(claims: Sequence[Claim]) -> str:
    """Write a line for each claim."""
    verdicts = {True: "holds here", False: "does not hold here", None: "cannot be told here"}
    return "\n".join(f"- {one.claim}: {verdicts[one.holds]} ({one.found})." for one in claims)


def _less(claim: str, best: AsymmetricResult, other: float, share: float) -> Claim:
    found = f"{best.method} {_percent(best.miss_rates[0])} beside {_percent(other)}"
    if other <= 0:
        return Claim(claim, found, None)
    less = 1 - best.miss_rates[0] / other
    return Claim(claim, f"{found}: {_percent(less)} less", less >= share)


def _kept(old: AsymmetricResult, new: AsymmetricResult, best: AsymmetricResult) -> Claim:
    claim = f"updating one side keeps at least {100 * KEPT:g} % of the gain in EER of updating both"
    rates = [_percent(one.equal_error_rate) for one in (old, best, new)]
    found = f"old {rates[0]}, {best.method} {rates[1]}, new {rates[2]}"
    kept = gain_retained(old.equal_error_rate, best.equal_error_rate, new.equal_error_rate)
    if kept is None:
        return Claim(claim, f"{found}: no gain to keep", None)
    return Claim(claim, f"{found}: {_percent(kept)} kept", kept >= KEPT)


def _direction(
    old: AsymmetricResult,
    new: AsymmetricResult,
    toward_old: AsymmetricResult,
    toward_new: AsymmetricResult,
) -> Claim:
    claim = "mapping into the space of the better encoder is better than into the worse one"
    rates = [_percent(one.equal_error_rate) for one in (toward_old, toward_new)]
    found = f"EER of m1 {rates[0]}, of m2 {rates[1]}"
    if old.equal_error_rate == new.equal_error_rate or rates[0] == rates[1]:
        return Claim(claim, found, None)
    better_is_new = new.equal_error_rate < old.equal_error_rate
    new_wins = toward_new.equal_error_rate < toward_old.equal_error_rate
    return Claim(claim, found, better_is_new == new_wins)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
