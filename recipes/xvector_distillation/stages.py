"""The stages of a distillation; each reads what the one before has left in the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from diarspk.encoders.architectures.registry import count_parameters
from eval.report.run_record import describe_run, write_json
from recipes.embedded.data.pool import Pool, read_pool
from recipes.xvector_distillation.aggregation import fit_aggregation
from recipes.xvector_distillation.correlation import correlate
from recipes.xvector_distillation.embedding_types import UTTERANCE, Kind
from recipes.xvector_distillation.scoring import compare_concatenated, open_scoring
from recipes.xvector_distillation.settings import Settings, read_settings
from recipes.xvector_distillation.targets import TARGETS, read_targets, write_targets
from recipes.xvector_distillation.teacher import (
    AGGREGATIONS,
    chosen_kinds,
    load_teacher,
    make_aggregation,
    needed_aggregations,
)
from recipes.xvector_distillation.teacher_source import open_teacher
from recipes.xvector_distillation.teacher_training import train_teacher
from recipes.xvector_distillation.training import fit_student, load_student
from recipes.zoo.final_weights import FINAL
from recipes.zoo.settings import Settings as TeacherSettings
from recipes.zoo.stages import choose_stages

__all__ = ["REPORT", "STAGES", "run_stages"]

REPORT = "report.json"
STUDENTS = "students"


@dataclass(frozen=True)
class Run:
    """A distillation whose stages are run."""

    folder: Path
    settings: Settings
    accelerator: str

    def pool(self, trained: TeacherSettings, part: str) -> Pool:
        """Packed features of the teacher's run; only what is read comes into memory."""
        return read_pool(Path(trained.data.train) / part, in_memory=False)

    def student(self, kind: Kind) -> Path:
        """Folder of the student of a kind."""
        return self.folder / STUDENTS / kind.name


def run_stages(folder: Path, first: str, last: str, *, accelerator: str = "auto") -> None:
    """Run the stages from one to another; errors are those of the stages."""
    chosen = choose_stages(STAGES, first, last)
    run = Run(folder, read_settings(folder), accelerator)
    for name in chosen:
        print(f"stage: {name}", flush=True)
        STAGES[name](run)


def train(run: Run) -> None:
    """Train the teacher, if it is the name of an architecture."""
    if run.settings.architecture:
        train_teacher(run.settings, accelerator=run.accelerator)


def aggregate(run: Run) -> None:
    """Train the aggregated embeddings that the kinds need."""
    source = open_teacher(run.settings)
    for pooling in needed_aggregations(chosen_kinds(run.settings, source.levels)):
        folder = run.folder / AGGREGATIONS / pooling
        if not (folder / FINAL).is_file():
            fit_aggregation(
                make_aggregation(run.settings, source, pooling),
                source.trained,
                run.settings.aggregation,
                folder,
                seed=run.settings.seed,
                accelerator=run.accelerator,
            )


def extract(run: Run) -> None:
    """Run the teacher over every crop and every test utterance, once."""
    if (run.folder / TARGETS).is_dir():
        return
    source = open_teacher(run.settings)
    write_targets(
        load_teacher(run.settings, run.folder),
        chosen_kinds(run.settings, source.levels),
        run.settings,
        run.pool(source.trained, "train"),
        run.pool(source.trained, "dev"),
        run.folder / TARGETS,
        device=_device(run.accelerator),
    )


def distill(run: Run) -> None:
    """Train a student of every kind."""
    source = open_teacher(run.settings)
    targets, pool = read_targets(run.folder), run.pool(source.trained, "train")
    for kind in chosen_kinds(run.settings, source.levels):
        if not (run.student(kind) / FINAL).is_file():
            print(f"student: {kind.name}", flush=True)
            fit_student(
                run.settings,
                kind,
                targets,
                pool,
                run.student(kind),
                accelerator=run.accelerator,
            )


def score(run: Run) -> None:
    """Write the report: every kind of the teacher and its student, and how alike they are."""
    source = open_teacher(run.settings)
    trained, parameters = source.trained, count_parameters(source.network)
    targets = read_targets(run.folder)
    scoring = open_scoring(targets, trained, run.pool(trained, "train"), run.pool(trained, "dev"))
    own = scoring.test_teacher(Kind(UTTERANCE, (UTTERANCE,)))
    scored = []
    for kind in chosen_kinds(run.settings, source.levels):
        print(f"kind: {kind.name}", flush=True)
        dimension = targets.dimension(kind)
        student = load_student(run.settings, kind, dimension, run.student(kind))
        scored.append(scoring.compare(kind, student))
    report = {
        "settings": asdict(run.settings),
        "teacher": {
            "name": source.name,
            "architecture": trained.architecture,
            "fingerprint": source.fingerprint,
            "parameters": parameters,
            "utterance": own.figures,
        },
        "crops": len(targets.crops.rows),
        "fitted": len(scoring.chosen),
        "kinds": [one.describe(parameters, own.rates) for one in scored],
        "concatenation": compare_concatenated(scored),
        "correlation": {
            "kinds": [one.kind.name for one in scored],
            "teacher": correlate([one.teacher.cosines for one in scored]).tolist(),
            "students": correlate([one.student.cosines for one in scored]).tolist(),
        },
        **describe_run(),
    }
    write_json(report, run.folder / REPORT)


def _device(accelerator: str) -> torch.device:
    wanted = accelerator != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if wanted else "cpu")


STAGES: Mapping[str, Callable[[Run], None]] = {
    "teacher": train,
    "aggregation": aggregate,
    "targets": extract,
    "students": distill,
    "scoring": score,
}
"""Name to what is done."""
