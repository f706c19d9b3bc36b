"""Does verification quality predict extraction? Every cue and fusion on one extractor.

    python -m eval.extraction.study --data ../shared --extractors STUDY/*.json --plot study.png

Reads extractors that were trained alike but for cue and fusion (``python -m
recipes.extraction.study`` trains them), measures each on the same seeded mixtures, and puts the
verification EER of the cue beside it: all pairs of dev utterances, by the cosine of the cue's
vector, or of its sequence's mean and deviation over time. A cue of a closed set of speakers is
measured on mixtures of those; it has no EER.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.verification.metrics import equal_error_rate
from eval.command_line import command
from eval.embeddings.speech import Utterance, read_utterances
from eval.extraction.evaluation import evaluate, extraction
from eval.extraction.mixtures import CONDITIONS, draw_trials
from eval.report.cells import percent_cell
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from eval.verification.all_pairs import score_all_pairs
from tse.cue_sources import CueSource, OneHotCue
from tse.cues import Reference
from tse.loading import load_extractor
from tse.metrics import ExtractionSummary

__all__ = ["Cell", "conclude", "cue_error", "draw_study", "format_study", "main"]

MIN_SECONDS = 1.0
CLOSED_UTTERANCES = 1000
"""First utterances of the training speakers, of which the mixtures for a closed set are made."""

HEADER = (
    "cue",
    "fusion",
    "SI-SDRi dB",
    "accepted %",
    "negative %",
    "nearer interferer %",
    "louder interferer %",
    "cue's EER %",
)


@dataclass(frozen=True)
class Cell:
    """A cue and a fusion: what came of them."""

    cue: str
    fusion: str
    summary: ExtractionSummary
    verification_eer: float  # NaN where the cue cannot verify


def cue_error(source: CueSource, utterances: Sequence[Utterance]) -> float:
    """Equal error rate of a cue over all pairs of utterances; NaN where it has nothing to compare.

    An enrolment that is not encoded yet, and a code, have none.
    """
    if isinstance(source, OneHotCue) or not (source.vector_size or source.sequence_size):
        return math.nan
    long_enough = [one for one in utterances if len(one.waveform) >= MIN_SECONDS * SAMPLE_RATE]
    vectors = np.stack([_vector(source, one) for one in long_enough])
    vectors = vectors - vectors.mean(axis=0) if not source.vector_size else vectors
    scores, labels = score_all_pairs(vectors, [one.speaker for one in long_enough])
    return equal_error_rate(scores, labels)


def _vector(source: CueSource, utterance: Utterance) -> NDArray[np.float32]:
    cue = source([Reference(utterance.waveform, utterance.speaker)])
    if cue.vector is not None:
        return cue.vector[0].numpy()
    assert cue.sequence is not None
    sequence = cue.sequence[0].numpy()
    # Log-mel features have no mean left: how they vary is what there is to compare.
    return np.concatenate([sequence.mean(axis=0), sequence.std(axis=0)])


def conclude(cells: Sequence[Cell]) -> str:
    """Say in one sentence whether the better verifier is the better cue."""
    from scipy.stats import spearmanr

    best: dict[str, Cell] = {}
    for cell in cells:
        found = best.get(cell.cue)
        if found is None or cell.summary.improvement_db > found.summary.improvement_db:
            best[cell.cue] = cell
    known = [cell for cell in best.values() if math.isfinite(cell.verification_eer)]
    winner = max(cells, key=lambda cell: cell.summary.improvement_db)
    text = (
        f"Best: {winner.cue} with {winner.fusion}, SI-SDRi {winner.summary.improvement_db:.2f} dB."
    )
    if len(known) < 3:
        return f"{text} Too few cues have an EER to tell whether it predicts extraction."
    found = spearmanr(
        [cell.verification_eer for cell in known], [cell.summary.improvement_db for cell in known]
    )
    agrees = "goes" if found.statistic < 0 else "does not go"
    verdict = f"lower EER {agrees} with better extraction"
    sure = "" if found.pvalue < 0.05 else ", but so few cues do not decide it"
    return (
        f"{text} Over the best fusion of {len(known)} cues, {verdict} (Spearman "
        f"{found.statistic:.2f}, p = {found.pvalue:.2f}){sure}."
    )


def format_study(cells: Sequence[Cell]) -> str:
    """Markdown table, best first, and the conclusion."""
    ordered = sorted(cells, key=lambda cell: -cell.summary.improvement_db)
    rows = [
        [
            cell.cue,
            cell.fusion,
            f"{cell.summary.improvement_db:.2f}",
            *(
                f"{100 * share:.1f}"
                for share in (
                    cell.summary.accepted,
                    cell.summary.negative,
                    cell.summary.nearer_interferer,
                    cell.summary.louder_interferer,
                )
            ),
            percent_cell(cell.verification_eer),
        ]
        for cell in ordered
    ]
    return f"{markdown_table(HEADER, rows)}\n\n{conclude(cells)}"


def draw_study(cells: Sequence[Cell], path: Path) -> None:
    """SI-SDRi of every cue, the best verifier first; a mark for each fusion.

    Cues often share a vector, hence an error rate, so they stand beside each other by its order
    rather than along an axis of it.
    """
    from matplotlib.figure import Figure

    errors = {cell.cue: cell.verification_eer for cell in cells}
    cues = sorted(errors, key=lambda cue: (math.isnan(errors[cue]), errors[cue], cue))
    fusions = sorted({cell.fusion for cell in cells})
    figure = Figure(figsize=(1.2 * len(cues) + 3, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for place, fusion in enumerate(fusions):
        own = [cell for cell in cells if cell.fusion == fusion]
        shift = 0.5 * (place / max(len(fusions) - 1, 1) - 0.5)  # side by side within a cue
        axes.scatter(
            [cues.index(cell.cue) + shift for cell in own],
            [cell.summary.improvement_db for cell in own],
            marker="osD^vP"[place % 6],
            label=fusion,
        )
    axes.axhline(0, color="0.8", linewidth=1, zorder=0)
    labels = [
        f"{cue}\n" + ("no EER" if math.isnan(error) else f"EER {100 * error:.1f} %")
        for cue, error in ((cue, errors[cue]) for cue in cues)
    ]
    axes.set_xticks(range(len(cues)), labels)
    axes.set_ylabel("SI-SDRi, dB")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


class Bench:
    """Mixtures and cues of one data folder; what several extractors share is made once."""

    def __init__(self, data: Path, *, mixtures: int, seed: int) -> None:
        self.data, self.mixtures, self.seed = data, mixtures, seed
        self._utterances: dict[str, list[Utterance]] = {}
        self._errors: dict[str, float] = {}
        self._judge = diarspk.load_encoder()

    def measure(self, card: Path) -> Cell:
        """Measure one extractor, and its cue alone."""
        extractor = load_extractor(card)
        utterances = self._read("train" if isinstance(extractor.source, OneHotCue) else "dev")
        trials = draw_trials(utterances, CONDITIONS["clean-2"], count=self.mixtures, seed=self.seed)
        found = evaluate(
            list(trials),
            extraction(extractor),
            condition="clean-2",
            enrolment_s=5.0,
            encoder=self._judge,
        )
        settings: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        fusion = settings["extractor"].get("fusion", "cross-attention")
        cue = settings["cue"]
        if cue not in self._errors:
            self._errors[cue] = cue_error(extractor.source, utterances)
        return Cell(cue, fusion, found.summary, self._errors[cue])

    def _read(self, part: str) -> list[Utterance]:
        if part not in self._utterances:
            most = CLOSED_UTTERANCES if part == "train" else None
            self._utterances[part] = list(islice(read_utterances(self.data / "speech", part), most))
        return self._utterances[part]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder with speech/."""
    extractors: tuple[Path, ...]
    """Cards of extractors that differ in cue and fusion only."""
    mixtures: int = 300
    """Number of mixtures."""
    seed: int = 0
    """Seed of the mixtures."""
    plot: Path | None = None
    """Draw the study to this file."""


@command
def main(settings: Settings) -> None:
    bench = Bench(settings.data, mixtures=settings.mixtures, seed=settings.seed)
    cells = [bench.measure(card) for card in follow(settings.extractors, "extractors")]
    print(format_study(cells))
    if settings.plot is not None:
        draw_study(cells, settings.plot)
    settings.report.write(
        {"cells": [asdict(cell) for cell in cells], "conclusion": conclude(cells)}
    )


if __name__ == "__main__":
    raise SystemExit(main())
