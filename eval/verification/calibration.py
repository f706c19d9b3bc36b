"""Fit the calibration of an encoder's scores.

    python -m eval.verification.calibration --data ../shared/speech --write

Run it after every change of the weights: a calibration belongs to one fingerprint. Trials are all
pairs of whole utterances and of their first two seconds, so that short recordings are covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.base import SpeakerEncoder
from diarspk.verification.calibration import ScoreCalibration, fit_calibration
from diarspk.verification.metrics import cllr, equal_error_rate
from diarspk.verification.report import cross_calibrate
from eval.command_line import command
from eval.embeddings.speech import SplitSettings, Utterance
from eval.verification.all_pairs import score_all_pairs

__all__ = ["fit_encoder", "main"]

SHORT_S = 2.0


def fit_encoder(
    encoder: SpeakerEncoder, utterances: Sequence[Utterance]
) -> tuple[ScoreCalibration, float, float]:
    """Fit on all trials: the calibration, the equal error rate, and Cllr on held-out speakers."""
    waveforms = [one.waveform for one in utterances]
    waveforms += [one.waveform[: round(SHORT_S * SAMPLE_RATE)] for one in utterances]
    speakers = [one.speaker for one in utterances] * 2
    vectors = np.concatenate([encoder.embed_batch([one], SAMPLE_RATE) for one in waveforms])
    scores, labels = score_all_pairs(vectors, speakers)
    first, second = np.triu_indices(len(vectors), k=1)
    scored = first % len(utterances) != second % len(utterances)  # not an utterance and its part
    scores, labels = scores[scored], labels[scored]
    groups = np.asarray(speakers)[first[scored]].tolist()
    ratios = cross_calibrate(scores, labels, groups, target_prior=0.5)
    calibration = fit_calibration(scores, labels, fingerprint=encoder.fingerprint)
    return calibration, equal_error_rate(scores, labels), cllr(ratios, labels)


@dataclass(frozen=True)
class Settings:
    utterances: SplitSettings
    encoder: str | None = None
    """Name or card; none: the embedded encoder."""
    write: bool = False
    """Write the calibration into diarspk/assets/calibration."""


@command
def main(settings: Settings) -> None:
    encoder = diarspk.load_encoder(settings.encoder)
    utterances = settings.utterances.read()
    calibration, rate, bits = fit_encoder(encoder, utterances)
    if settings.write:
        folder = asset_folder() / "calibration"
        folder.mkdir(exist_ok=True)
        calibration.write(folder / f"{encoder.fingerprint}.json")
    print(
        f"{encoder.fingerprint}: scale {calibration.scale:.3f}, offset {calibration.offset:.3f}, "
        f"threshold {calibration.threshold():.3f}, EER {100 * rate:.2f} %, Cllr {bits:.3f} bits "
        "on held-out speakers"
    )


if __name__ == "__main__":
    raise SystemExit(main())
