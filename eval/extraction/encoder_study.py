"""Does verification quality predict extraction? One extractor for each encoder, compared.

    python -m eval.extraction.encoder_study --study STUDY --data ../shared [--plot study.svg]

``python -m recipes.extraction.encoder_study`` trains the extractors of STUDY, alike but for what
they read of the speaker, and calls this at the end. Each is measured on the same seeded mixtures of
unseen speakers (open) and of training speakers (closed), and by the first of them with a cue that
is optimised by gradient on the target; beside it stands the equal error rate of the vector that it
reads, over all pairs of dev utterances. What has been measured is kept in STUDY/results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE
from diarspk.checkpoints.checkpoint import read_card
from eval.command_line import command, one_of
from eval.embeddings.speech import Utterance, read_utterances
from eval.extraction.evaluation import extraction
from eval.extraction.findings import find
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from eval.extraction.optimised_cue import optimised_extraction
from eval.extraction.study_cells import StudyCell, read_cells
from eval.extraction.study_encoders import load_study_encoder
from eval.extraction.study_figures import CellFigures, Draws, StudyFigures
from eval.extraction.study_report import draw_study, format_study, measure_rows
from eval.extraction.study_verification import VerificationPairs
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from tse.cues import Reference
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.metrics import score_extraction
from tse.optimised_cue import OptimisationConfig

__all__ = ["main"]

MIN_SECONDS = 1.0
"""Length of an utterance below which it is not verified."""

CLOSED_UTTERANCES = 1000
"""First utterances of the training speakers, of which the closed mixtures are made."""

CLEAN = ("clean-2", "clean-3")
RESULTS = "results"


class Bench:
    """Mixtures and utterances that all extractors share, and what has been measured before."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.results = settings, settings.study / RESULTS
        speech = settings.data / "speech"
        self.dev = list(read_utterances(speech, "dev"))
        train = list(islice(read_utterances(speech, "train"), CLOSED_UTTERANCES))
        self.open, self.closed = self._draw(self.dev), self._draw(train)

    def _draw(self, utterances: Sequence[Utterance]) -> list[Trial]:
        settings = self.settings
        condition = CONDITIONS[settings.condition]
        drawn = draw_trials(utterances, condition, count=settings.mixtures, seed=settings.seed)
        return list(drawn)

    def measure(self, cell: StudyCell) -> CellFigures:
        """Measure an extractor, or read what an earlier call has measured."""
        file = self.results / f"{Path(cell.card).stem}.npz"
        key = self._key(cell)
        stored: dict[str, NDArray[Any]] = {}
        if file.is_file():
            with np.load(file, allow_pickle=False) as arrays:
                stored = dict(arrays)
        if str(stored.get("key", "")) != key:
            stored = {**self._compute(cell), "key": np.array(key)}
            self.results.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as part, part.open("wb") as stream:
                np.savez(stream, **stored)  # type: ignore[arg-type]
        pairs = None
        if "vectors" in stored:
            speakers = [one.speaker for one in self._verified()]
            pairs = VerificationPairs.of(stored["vectors"], speakers)
        arrays = {name: stored.get(name) for name in ("open_db", "enrolled_db", "optimised_db")}
        return CellFigures(
            *(cell.label, cell.cue, cell.origin),
            closed_db=stored["closed_db"],
            pairs=pairs,
            encoder=" ".join(cell.encoders),
            seed=cell.seed,
            **arrays,
        )

    def _key(self, cell: StudyCell) -> str:
        """All that the figures depend on."""
        settings = self.settings
        digest = read_card(settings.study / cell.card)["sha256"]
        chosen = [settings.condition, settings.mixtures, settings.optimised, settings.iterations]
        return json.dumps([digest, *chosen, settings.seed])

    def _compute(self, cell: StudyCell) -> dict[str, NDArray[Any]]:
        encoders = [load_study_encoder(name) for name in cell.encoders]
        extractor = load_extractor(self.settings.study / cell.card, encoders=encoders)
        closed_set = cell.cue == "one-hot"
        found = {"closed_db": _gains(extractor, self.closed)}
        if not closed_set:
            found["open_db"] = _gains(extractor, self.open)
        optimised = (self.closed if closed_set else self.open)[: self.settings.optimised]
        if optimised and (extractor.source.vector_size or extractor.source.sequence_size):
            found["enrolled_db"] = _optimised_gains(extractor, optimised, 0)
            found["optimised_db"] = _optimised_gains(extractor, optimised, self.settings.iterations)
        if cell.cue == "utterance":
            vectors = [_vector(extractor, one) for one in self._verified()]
            found["vectors"] = np.stack(vectors)
        return found

    def _verified(self) -> list[Utterance]:
        return [one for one in self.dev if len(one.waveform) >= MIN_SECONDS * SAMPLE_RATE]


def _gains(extractor: Extractor, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """SI-SDRi of each mixture, as a user has it."""
    extract = extraction(extractor)
    return np.array([_gain(extract(trial), trial) for trial in trials])


def _optimised_gains(
    extractor: Extractor, trials: Sequence[Trial], iterations: int
) -> NDArray[np.float64]:
    """SI-SDRi of each mixture in one pass, with the cue after some steps of optimisation."""
    extract = optimised_extraction(extractor, OptimisationConfig(iterations))
    return np.array([_gain(extract(trial), trial) for trial in trials])


def _gain(voice: NDArray[np.float32], trial: Trial) -> float:
    return score_extraction(voice, trial.made.target, trial.made.mixture, ()).improvement_db


def _vector(extractor: Extractor, utterance: Utterance) -> NDArray[np.float32]:
    vector = extractor.source([Reference(utterance.waveform)]).vector
    assert vector is not None
    return vector[0].numpy()


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    study: Path
    """Folder of recipes.extraction.encoder_study."""
    data: Path
    """Folder with speech/."""
    condition: Annotated[str, one_of(CLEAN)] = "clean-2"
    """Condition of the mixtures."""
    mixtures: int = 300
    """Number of mixtures, open and closed each."""
    optimised: int = 30
    """First mixtures whose cue is optimised; 0: none."""
    iterations: int = OptimisationConfig.iterations
    """Steps of the optimisation."""
    resamples: int = 1000
    """Resamples of the bootstrap."""
    seed: int = 0
    """Seed of mixtures and bootstrap."""
    plot: Path | None = None
    """Draw EER against SI-SDRi to this file."""


@command
def main(settings: Settings) -> None:
    cells = read_cells(settings.study)
    bench = Bench(settings)
    figures = [bench.measure(cell) for cell in follow(cells, "extractors")]
    study = StudyFigures(
        tuple(figures),
        tuple(trial.speaker for trial in bench.open),
        tuple(trial.speaker for trial in bench.closed),
    )
    draws = Draws(study, resamples=settings.resamples, seed=settings.seed)
    rows, findings = measure_rows(study, draws), find(study, draws)
    print(format_study(rows, findings))
    if settings.plot is not None:
        draw_study(rows, settings.plot)
    settings.report.write(
        {"cells": [asdict(row) for row in rows], "findings": [asdict(one) for one in findings]}
    )


if __name__ == "__main__":
    raise SystemExit(main())
