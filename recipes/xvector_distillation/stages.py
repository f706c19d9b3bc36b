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
from recipes.xvector_distillation.embedding_types import Kind
from recipes.xvector_distillation.scoring import open_scoring
from recipes.xvector_distillation.settings import Settings, read_settings
from recipes.xvector_distillation.targets import TARGETS, read_targets, write_targets
from recipes.xvector_distillation.teacher import (
    AGGREGATIONS,
    chosen_kinds,
    load_network,
    load_teacher,
    make_aggregation,
    needed_aggregations,
)
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


def aggregate(run: Run) -> None:
    """Train the aggregated embeddings that the kinds need."""
    network, trained, levels = load_network(run.settings)
    for pooling in needed_aggregations(chosen_kinds(run.settings, levels)):
        folder = run.folder / AGGREGATIONS / pooling
        if not (folder / FINAL).is_file():
            fit_aggregation(
                make_aggregation(run.settings, network, levels, pooling),
                trained,
                run.settings.aggregation,
                folder,
                seed=run.settings.seed,
                accelerator=run.accelerator,
            )


def extract(run: Run) -> None:
    """Run the teacher over every crop and every test utterance, once."""
    if (run.folder / TARGETS).is_dir():
        return
    _, trained, levels = load_network(run.settings)
    write_targets(
        load_teacher(run.settings, run.folder),
        chosen_kinds(run.settings, levels),
        run.settings,
        run.pool(trained, "train"),
        run.pool(trained, "dev"),
        run.folder / TARGETS,
        device=_device(run.accelerator),
    )


def distill(run: Run) -> None:
    """Train a student of every kind."""
    _, trained, levels = load_network(run.settings)
    targets, pool = read_targets(run.folder), run.pool(trained, "train")
    for kind in chosen_kinds(run.settings, levels):
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
    network, trained, levels = load_network(run.settings)
    targets, parameters = read_targets(run.folder), count_parameters(network)
    scoring = open_scoring(targets, trained, run.pool(trained, "train"), run.pool(trained, "dev"))
    scored = []
    for kind in chosen_kinds(run.settings, levels):
        print(f"kind: {kind.name}", flush=True)
        dimension = targets.dimension(kind)
        student = load_student(run.settings, kind, dimension, run.student(kind))
        scored.append(scoring.compare(kind, student))
    report = {
        "settings": asdict(run.settings),
        "teacher": {"architecture": trained.architecture, "parameters": parameters},
        "kinds": [one.describe(parameters) for one in scored],
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
    "aggregation": aggregate,
    "targets": extract,
    "students": distill,
    "scoring": score,
}
"""Name to what is done."""
