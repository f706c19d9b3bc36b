"""How much less sure detection is in a live session than in a recording.

    python -m eval.extraction.live_detection --data ../shared --json live-detection.json

:func:`tse.detect` and :class:`tse.live_detection.LiveDetector` on the same mixtures, those of
``python -m eval.extraction.detection``, under the calibration in the package: both are judged on
what it was fitted to, so the difference is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.diarizer import Diarizer
from diarspk.verification.calibration import probability
from eval.command_line import command, one_of
from eval.extraction.detection import Judged, describe, format_rows, presence_error
from eval.extraction.detection_trials import Compared, TrialSettings, compare
from eval.extraction.mixtures import CONDITIONS, Trial
from eval.report.run_record import JsonReport
from tse.detection import VoiceScorer, frame_posteriors, likeliest_odds
from tse.live_detection import LiveDetector

PIECE_SAMPLES = SAMPLE_RATE
"""Samples of a push; any others give the same."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    trials: TrialSettings
    conditions: tuple[Annotated[str, one_of(CONDITIONS)], ...] = (
        *("clean-1", "clean-2", "noisy-2", "absent-1", "absent-2"),
    )
    """Conditions of the mixtures, with the enrolled speaker and without."""


@command
def main(settings: Settings) -> None:
    """Run the command line."""
    diarizer = Diarizer()
    scorer = VoiceScorer.load(diarizer.encoder.fingerprint)
    judged: dict[str, list[Judged]] = {"recording": [], "live": []}
    for name, trial in settings.trials.draw(settings.conditions):
        compared = compare(trial, name, diarizer, scorer.cohort)
        judged["recording"].append(judge_recording(compared, scorer))
        judged["live"].append(judge_live(trial, compared, diarizer, scorer))
    rows = describe_both(judged, settings.conditions)
    print(format_rows(rows))
    errors = {way: presence_error(found) for way, found in judged.items()}
    told = ", ".join(f"{way} {error:.1f} %" for way, error in errors.items())
    print(f"\nWhether the voice is there, over all mixtures, EER: {told}")
    settings.report.write({"conditions": rows, "presence_eer": errors})


def describe_both(
    judged: dict[str, list[Judged]], conditions: Sequence[str]
) -> list[dict[str, Any]]:
    """Figures of each condition, of one way of judging below the other."""
    return [
        {"condition": name, "judged as": way} | describe(name, chosen)
        for name in conditions
        for way, found in judged.items()
        for chosen in [[one for one in found if one.compared.condition == name]]
    ]


def judge_recording(compared: Compared, scorer: VoiceScorer) -> Judged:
    """Judge a mixture as a recording."""
    ratios = scorer.calibration.voice.log_likelihood_ratios(compared.scores, compared.quality)
    frames = frame_posteriors(compared.local, probability(ratios))
    return Judged(compared, frames, presence_ratio(frames, scorer))


def judge_live(trial: Trial, compared: Compared, diarizer: Diarizer, scorer: VoiceScorer) -> Judged:
    """Judge a mixture as it comes."""
    detector = LiveDetector(diarizer, diarizer.encoder.embed(trial.enrolment, SAMPLE_RATE))
    mixture = trial.made.mixture
    for first in range(0, len(mixture), PIECE_SAMPLES):
        detector.push(mixture[first : first + PIECE_SAMPLES])
    detector.end_stretch()
    frames = detector.tell().probabilities.astype(np.float64)
    # A recording counts the frames whose first samples are there, a session those of its seconds.
    count = len(compared.talks)
    frames = np.pad(frames, (0, max(count - len(frames), 0)), "edge")[:count]
    return Judged(compared, frames, presence_ratio(frames, scorer))


def presence_ratio(frames: NDArray[np.float64], scorer: VoiceScorer) -> float:
    """Log-likelihood ratio of the voice's being there at all."""
    return float(scorer.calibration.presence.log_likelihood_ratios(likeliest_odds(frames)))


if __name__ == "__main__":
    raise SystemExit(main())
