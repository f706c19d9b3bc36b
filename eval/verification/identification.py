"""Open-set identification: dev speakers, half of them enrolled, half of them unknown.

    python -m eval.verification.identification --data ../shared/speech --systems diarspk --cache \
        vectors/

The probability is calibrated on the other half of the speakers than it is judged on, both ways.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.verification.calibration import fit_calibration
from diarspk.verification.gallery import Gallery, Identification, create_gallery
from eval.command_line import command
from eval.embeddings.embedding_cache import EmbeddedSplit, embed_split
from eval.embeddings.speech import SplitSettings
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.verification.all_pairs import score_all_pairs

__all__ = ["OpenSetRates", "identify_split", "main", "open_set_rates"]

THRESHOLDS = (0.5, 0.9, 0.99)

CONVENTION = (
    "Of half of the speakers the first utterances are enrolled; all others are probes. Accepted: "
    "the best candidate's probability is at or above the threshold. Found: known probes accepted "
    "under the right name; false: unknown probes accepted under any name."
)


@dataclass(frozen=True)
class OpenSetRates:
    """Rates at one threshold of the probability.

    Attributes
    ----------
    detected : float
        Known probes that are accepted, under whatever name.
    identified : float
        Known probes that are accepted under the right name.
    false_alarms : float
        Unknown probes that are accepted.
    """

    threshold: float
    known: int
    unknown: int
    detected: float
    identified: float
    false_alarms: float


@dataclass(frozen=True)
class Probe:
    """One answer, and the truth: the speaker, or None for somebody not enrolled."""

    truth: str | None
    answer: Identification


def identify_split(split: EmbeddedSplit, enrolments: int, *, seed: int = 0) -> list[Probe]:
    """Enrol one half and then the other; each time the calibration is of the half left out."""
    names = np.array(sorted(set(split.speakers)))
    order = np.random.default_rng(seed).permutation(names)
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    speaker = np.asarray(split.speakers)
    probes: list[Probe] = []
    for known, unknown in (halves, halves[::-1]):
        outside = split.choose(np.flatnonzero(np.isin(speaker, unknown)))
        scores, labels = score_all_pairs(outside.vectors, outside.speakers)
        calibration = fit_calibration(scores, labels, fingerprint=split.space.fingerprint)
        with (
            tempfile.TemporaryDirectory() as folder,
            create_gallery(folder, split.space) as gallery,
        ):
            enrolled = _enroll(gallery, split, set(known.tolist()), enrolments)
            gallery.set_calibration(calibration)
            probes += _ask(gallery, split, enrolled)
    return probes


def open_set_rates(probes: Sequence[Probe], threshold: float) -> OpenSetRates:
    """Count what a threshold of the probability gives."""
    best = [one.answer.candidates[0] if one.answer.candidates else None for one in probes]
    accepted = np.array([(c.probability or 0.0) >= threshold if c else False for c in best])
    pairs = zip(best, probes, strict=True)
    right = np.array([c is not None and c.speaker == probe.truth for c, probe in pairs])
    known = np.array([one.truth is not None for one in probes])
    return OpenSetRates(
        threshold=threshold,
        known=int(known.sum()),
        unknown=int((~known).sum()),
        detected=float(accepted[known].mean()),
        identified=float((accepted & right)[known].mean()),
        false_alarms=float(accepted[~known].mean()),
    )


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    utterances: SplitSettings
    systems: tuple[str, ...] = ("diarspk",)
    """Encoders, by name or path."""
    enrolments: int = 2
    """Number of utterances of a profile."""
    thresholds: tuple[float, ...] = THRESHOLDS
    """Probabilities from which the best candidate is accepted."""
    cache: Path | None = None
    """Folder to keep vectors in."""


@command
def main(settings: Settings) -> None:
    found: list[tuple[str, OpenSetRates]] = []
    for system in settings.systems:
        split = embed_split(
            settings.utterances.data, settings.utterances.split, system, cache=settings.cache
        )
        probes = identify_split(split, settings.enrolments)
        found += [(system, open_set_rates(probes, one)) for one in settings.thresholds]
    header = ["system", "threshold", "known", "detected %", "found %", "unknown", "false %"]
    rows = [
        [
            system,
            f"{one.threshold:g}",
            f"{one.known}",
            f"{100 * one.detected:.1f}",
            f"{100 * one.identified:.1f}",
            f"{one.unknown}",
            f"{100 * one.false_alarms:.1f}",
        ]
        for system, one in found
    ]
    print(f"{markdown_table(header, rows)}\n\n{CONVENTION}")
    results = [{"system": system, **asdict(one)} for system, one in found]
    settings.report.write({"convention": CONVENTION, "results": results})


def _enroll(
    gallery: Gallery, split: EmbeddedSplit, known: set[str], enrolments: int
) -> NDArray[np.bool_]:
    """Enrol the first utterances of the known speakers who have more: which these are."""
    speaker = np.asarray(split.speakers)
    used = np.zeros(len(speaker), bool)
    for name in sorted(known):
        own = np.flatnonzero(speaker == name)
        if len(own) > enrolments:
            rows = own[:enrolments]
            fingerprint = split.space.fingerprint
            gallery.enroll(name, split.vectors[rows], fingerprint=fingerprint)
            used[rows] = True
    return used


def _ask(gallery: Gallery, split: EmbeddedSplit, used: NDArray[np.bool_]) -> list[Probe]:
    enrolled = {person.speaker for person in gallery.people()}
    probes = []
    for row in np.flatnonzero(~used):
        name = split.speakers[row]
        answer = gallery.identify(split.vectors[row], fingerprint=split.space.fingerprint)
        probes.append(Probe(name if name in enrolled else None, answer))
    return probes


if __name__ == "__main__":
    raise SystemExit(main())
