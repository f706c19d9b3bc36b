"""Is a turn as often right as its confidence says? Reliability, calibration error, and a fit.

    python -m eval.diarization.confidence --data ../shared/conversations/ami \
        ../shared/conversations/simulated

A turn's truth is the share of it in which the reference speaker that its speaker maps to (the best
one-to-one mapping of the recording) talks. Turns weigh by their seconds. With --fit, the weights
of the logistic calibration, and the error of each recording under weights fitted to the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from diarspk.checkpoints.assets import asset_folder
from diarspk.diarization.confidence import MIN_PROBABILITY, UNCALIBRATED, Calibration
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.result import Diarization
from eval.command_line import command
from eval.diarization.conversation import Conversation
from eval.diarization.first_passes import (
    ConversationPass,
    FirstPassSettings,
)
from eval.diarization.plot import plot_reliability
from eval.report.markdown import markdown_table
from eval.report.reliability import BINS, Bin, expected_calibration_error
from eval.report.reliability import reliability as weigh_bins
from eval.report.run_record import JsonReport, write_json

__all__ = [
    "Turns",
    "calibration_error",
    "collect_turns",
    "fit_calibration",
    "held_out_error",
    "main",
    "reliability",
    "true_shares",
]

HEADER = ("confidence", "turns", "seconds", "mean confidence", "right")

Figures = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Turns:
    """Turns of one recording: what is known of them, and the truth, ``(n,)`` each.

    Attributes
    ----------
    activity, margin
        What :class:`diarspk.diarization.confidence.Calibration` reads.
    confidence
        What the diarizer said.
    right : in [0, 1]
        Share of the turn in which the mapped reference speaker talks.
    seconds
    """

    activity: Figures
    margin: Figures
    confidence: Figures
    right: Figures
    seconds: Figures

    @staticmethod
    def join(parts: Sequence[Turns]) -> Turns:
        names = ("activity", "margin", "confidence", "right", "seconds")
        return Turns(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def true_shares(conversation: Conversation, result: Diarization) -> tuple[Figures, Figures]:
    """Share of every turn that is right, and its seconds, within the scored part."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    uem = conversation.uem
    reference = conversation.reference.crop(uem)
    found = result.annotation.crop(uem)
    mapping = DiarizationErrorRate().optimal_mapping(reference, found, uem=uem)
    right, seconds = [], []
    for segment, _, label in result.annotation.itertracks(yield_label=True):
        inside = uem.crop(segment)
        length = float(inside.duration())
        spoken = 0.0
        if label in mapping:
            talk = reference.label_timeline(mapping[label]).support().crop(inside.support())
            spoken = float(talk.duration())
        right.append(spoken / length if length else 0.0)
        seconds.append(length)
    return np.array(right), np.array(seconds)


def calibration_error(turns: Turns, confidence: Figures | None = None) -> float:
    """Compute the expected calibration error: mean distance from the truth in ten bins."""
    return expected_calibration_error(
        reliability(turns, turns.confidence if confidence is None else confidence)
    )


def reliability(turns: Turns, confidence: Figures) -> list[Bin]:
    """Lower edge, turns, seconds, mean confidence and truth of every bin that has any."""
    return weigh_bins(confidence, turns.right, turns.seconds)


def fit_calibration(turns: Turns, *, penalty: float = 1e-3) -> Calibration:
    """Weights that minimise the cross-entropy with the truth, weighted by seconds."""
    from scipy.optimize import minimize

    odds = _odds(turns.activity)
    design = np.stack([odds, turns.margin, np.ones(len(odds))], axis=1)
    weights = turns.seconds / max(turns.seconds.sum(), 1e-9)

    def loss(parameters: Figures) -> tuple[float, Figures]:
        score = design @ parameters
        # Cross-entropy of a share y with a logistic p: ln(1 + e^s) - y s
        value = weights @ (np.logaddexp(0.0, score) - turns.right * score)
        slope = design.T @ (weights * (1 / (1 + np.exp(-score)) - turns.right))
        return float(value + penalty * parameters @ parameters), slope + 2 * penalty * parameters

    found = minimize(loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B").x
    return Calibration(*(round(float(value), 4) for value in found))


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    passes: FirstPassSettings
    fit: bool = False
    """Fit the calibration, and test it on held-out recordings."""
    write: bool = False
    """Put the fit among the assets of this checkout."""
    plot: Path | None = None
    """Draw a reliability diagram to this file, .svg or .png."""


@command
def main(settings: Settings) -> None:
    diarizer = settings.passes.load()
    recordings = [
        turns
        for folder in settings.passes.data
        for turns in collect_turns(settings.passes.run(folder, diarizer), diarizer.config)
    ]
    turns = Turns.join(recordings)
    rows = reliability(turns, turns.confidence)
    print(markdown_table(HEADER, [_row(row) for row in rows]))
    report: dict[str, object] = {"calibration_error": calibration_error(turns), "bins": rows}
    print(f"\nexpected calibration error: {100 * calibration_error(turns):.1f} %")
    if settings.fit and len(recordings) > 1:
        fitted, held_out = fit_calibration(turns), held_out_error(recordings)
        report |= {"fitted": vars(fitted), "held_out_calibration_error": held_out}
        print(f"fitted: {fitted}")
        print(f"its calibration error, fitted to the other recordings: {100 * held_out:.1f} %")
        if settings.write:
            _write(fitted, held_out, settings)
    if settings.plot is not None:
        plot_reliability(rows, settings.plot)
    settings.report.write(report)


def _write(fitted: Calibration, held_out: float, settings: Settings) -> None:
    from diarspk.encoders.loading import load_encoder

    assets = asset_folder()
    path = assets / "confidence" / f"{load_encoder(settings.passes.encoder).fingerprint}.json"
    path.parent.mkdir(exist_ok=True)
    card = {
        **vars(fitted),
        "held_out_calibration_error": round(held_out, 5),
        "conversations": [folder.name for folder in settings.passes.data],
    }
    write_json(card, path)
    print(f"written to {path.relative_to(assets.parent.parent)}")


def held_out_error(recordings: Sequence[Turns]) -> float:
    """Error over all recordings, each under the calibration fitted to all others."""
    confidences = []
    for place, own in enumerate(recordings):
        others = Turns.join([*recordings[:place], *recordings[place + 1 :]])
        confidences.append(fit_calibration(others)(own.activity, own.margin))
    return calibration_error(Turns.join(recordings), np.concatenate(confidences))


def collect_turns(passes: Iterable[ConversationPass], config: DiarizerConfig) -> Iterator[Turns]:
    """Diarize each conversation; what is known of its turns, and the truth."""
    for one in passes:
        result = one.diarize(config)
        if result.annotation:
            yield _turns(one.conversation, result)


def _turns(conversation: Conversation, result: Diarization) -> Turns:
    """Read activity and margin off the confidence under calibrations that show one of them."""
    right, seconds = true_shares(conversation, result)
    confidence = np.array([result.confidence[turn] for turn in result.annotation.itertracks()])
    assert result.config is not None
    activity = _confidences(result, UNCALIBRATED)
    margin = _odds(_confidences(result, Calibration(0.0, 1.0, 0.0)))
    return Turns(activity, margin, confidence, right, seconds)


def _confidences(result: Diarization, calibration: Calibration) -> Figures:
    assert result.config is not None
    shown = result.recluster(config=replace(result.config, calibration=calibration))
    return np.array([shown.confidence[turn] for turn in shown.annotation.itertracks()])


def _odds(probability: Figures) -> Figures:
    clipped = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(logit(clipped))


def _row(row: Bin) -> list[str]:
    lower, turns, seconds, said, right = row
    span = f"{lower:.1f} to {lower + 1 / BINS:.1f}"
    return [span, str(turns), f"{seconds:.0f}", f"{said:.3f}", f"{right:.3f}"]


if __name__ == "__main__":
    raise SystemExit(main())
