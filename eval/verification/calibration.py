"""Fit the calibrations of an encoder's scores.

    python -m eval.verification.calibration --data ../shared/speech --write

Run it after every change of the weights, of the cohort or of the PLDA: a calibration belongs to one
fingerprint. There are two kinds, on pairs of whole utterances and of their first two seconds, so
that short recordings are covered:

- for verification, by every scoring: pairs of speakers of one corpus and one sex, since a voice of
  another sex or through another microphone is no question. Every such group counts the same;
- for galleries, cosines alone: all pairs.

The speakers have to be unknown to the encoder: to those that it was trained on it is surer than to
others, and ``--split train`` shows by how much. ``eval.verification.groups`` tells whom the result
mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ModelError
from diarspk.verification.calibration import ScoreCalibration, fit_calibration
from diarspk.verification.metrics import cllr, equal_error_rate
from diarspk.verification.report import cross_calibrate
from diarspk.verification.scoring import SCORINGS, Scoring, calibration_name, load_scorer
from eval.command_line import command
from eval.embeddings.speech import Utterance, read_utterances
from eval.report.markdown import markdown_table
from eval.verification.all_pairs import score_all_pairs
from eval.verification.group_trials import Trials, make_trials
from eval.verification.speaker_groups import choose_utterances, read_facts

__all__ = ["FittedScoring", "fit_encoder", "fit_scorings", "main"]

SHORT_S = 2.0


@dataclass(frozen=True)
class FittedScoring:
    """A calibration, and how it does: equal error rate, and Cllr on held-out speakers."""

    scoring: Scoring
    calibration: ScoreCalibration
    equal_error_rate: float
    cllr: float


def fit_encoder(
    encoder: SpeakerEncoder, utterances: Sequence[Utterance]
) -> tuple[ScoreCalibration, float, float]:
    """Fit on all pairs: the calibration, the equal error rate, and Cllr on held-out speakers.

    For utterances of which nothing else is known than who speaks.
    """
    vectors = _embed(encoder, utterances)
    return _fit_all_pairs(encoder.fingerprint, utterances, vectors, "")


def _fit_all_pairs(
    fingerprint: str, utterances: Sequence[Utterance], vectors: NDArray[np.float32], split: str
) -> tuple[ScoreCalibration, float, float]:
    speakers = [one.speaker for one in utterances] * 2
    scores, labels = score_all_pairs(vectors, speakers)
    first, second = np.triu_indices(len(vectors), k=1)
    scored = first % len(utterances) != second % len(utterances)  # not an utterance and its part
    scores, labels = scores[scored], labels[scored]
    groups = np.asarray(speakers)[first[scored]].tolist()
    ratios = cross_calibrate(scores, labels, groups, target_prior=0.5)
    counted = f"all {len(labels)} pairs of {len(set(speakers))} speakers"
    calibration = fit_calibration(
        scores,
        labels,
        fingerprint=fingerprint,
        fitted_on=f"{counted} of the {split} split" if split else counted,
    )
    return calibration, equal_error_rate(scores, labels), cllr(ratios, labels)


def fit_scorings(
    fingerprint: str,
    vectors: NDArray[np.float32],
    speakers: Sequence[str],
    trials: Trials,
    fitted_on: str,
) -> list[FittedScoring]:
    """Fit every scoring that the space has the parts of."""
    found = []
    first, second = vectors[trials.first], vectors[trials.second]
    names = np.asarray(speakers)[trials.first].tolist()
    for scoring in SCORINGS:
        try:
            scorer = load_scorer(fingerprint, scoring)
        except ModelError:
            continue  # the space has no cohort, or no PLDA
        scores, quality = scorer.scores(first, second), scorer.quality(first, second)
        calibration = fit_calibration(
            scores,
            trials.labels,
            quality=quality,
            weights=trials.weights,
            fingerprint=fingerprint,
            fitted_on=fitted_on,
        )
        ratios = cross_calibrate(scores, trials.labels, names, quality=quality, target_prior=0.5)
        ranked = calibration.log_likelihood_ratios(scores, quality)
        rate = equal_error_rate(ranked, trials.labels)
        found.append(FittedScoring(scoring, calibration, rate, cllr(ratios, trials.labels)))
    return found


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of utterances in shards."""
    split: str = "dev"
    """Split of the speakers."""
    encoder: str | None = None
    """Name or card; none: the embedded encoder."""
    speakers: int = 170
    """Most speakers of a group."""
    utterances: int = 20
    """Most utterances of a speaker."""
    seed: int = 0
    """Seed of the draws."""
    write: bool = False
    """Write the calibrations into diarspk/assets/calibration."""


@command
def main(settings: Settings) -> None:
    encoder = diarspk.load_encoder(settings.encoder)
    facts = read_facts(settings.data / f"{settings.split}.tsv")
    groups = choose_utterances(
        facts, speakers=settings.speakers, utterances=settings.utterances, seed=settings.seed
    )
    alone = settings.split != "dev"  # of a large split, what is not in a group is left out
    names = groups if alone else facts
    utterances = list(read_utterances(settings.data, settings.split, names=names))
    vectors = _embed(encoder, utterances)
    fitted = fit_groups(encoder.fingerprint, utterances, vectors, groups, settings)
    calibrations = {
        calibration_name(encoder.fingerprint, one.scoring): one.calibration for one in fitted
    }
    rows = [_row(one.scoring, one.calibration, one.equal_error_rate, one.cllr) for one in fitted]
    if not alone:
        every = _fit_all_pairs(encoder.fingerprint, utterances, vectors, settings.split)
        calibrations[encoder.fingerprint] = every[0]
        rows.append(_row("cosine, all pairs", *every))
    if settings.write:
        folder = asset_folder() / "calibration"
        folder.mkdir(exist_ok=True)
        for name, calibration in calibrations.items():
            calibration.write(folder / f"{name}.json")
    print(f"{encoder.fingerprint}: {fitted[0].calibration.fitted_on}\n")
    header = ["scoring", "scale", "offset", "measures", "EER %", "Cllr of held-out speakers"]
    print(markdown_table(header, rows))


def _row(name: str, calibration: ScoreCalibration, rate: float, bits: float) -> list[str]:
    measures = " + ".join(f"{w:.2f} {name}" for name, w in calibration.quality.items())
    return [
        name,
        f"{calibration.scale:.2f}",
        f"{calibration.offset:.2f}",
        measures or "-",
        f"{100 * rate:.2f}",
        f"{bits:.3f}",
    ]


def fit_groups(
    fingerprint: str,
    utterances: Sequence[Utterance],
    vectors: NDArray[np.float32],
    groups: Mapping[str, str],
    settings: Settings,
) -> list[FittedScoring]:
    """Fit on whole utterances and their beginnings, whose vectors follow one another."""
    rows = np.flatnonzero([one.name in groups for one in utterances])
    rows = np.concatenate([rows, rows + len(utterances)])
    names = [utterances[row % len(utterances)].name for row in rows]
    speakers = [utterances[row % len(utterances)].speaker for row in rows]
    trials = make_trials(speakers, names, [groups[name] for name in names], seed=settings.seed)
    counted = f"{len(set(speakers))} speakers of the {settings.split} split"
    fitted_on = (
        f"{len(trials.labels)} pairs of voices of one sex and one corpus, {counted}: "
        f"{'; '.join(sorted(set(groups.values())))}"
    )
    return fit_scorings(fingerprint, vectors[rows], speakers, trials, fitted_on)


def _embed(encoder: SpeakerEncoder, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
    """Embed whole utterances, then the beginning of each."""
    waveforms = [one.waveform for one in utterances]
    waveforms += [one.waveform[: round(SHORT_S * SAMPLE_RATE)] for one in utterances]
    return np.concatenate([encoder.embed_batch([one], SAMPLE_RATE) for one in waveforms])


if __name__ == "__main__":
    raise SystemExit(main())
