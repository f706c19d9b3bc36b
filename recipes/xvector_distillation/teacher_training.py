"""Training of a teacher that is the name of an architecture, by recipes.zoo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recipes.xvector_distillation.settings import Settings
from recipes.zoo.evaluation import MODEL
from recipes.zoo.settings import Budget, DataSettings
from recipes.zoo.settings import Settings as TeacherSettings
from recipes.zoo.settings import write_settings as write_teacher_settings
from recipes.zoo.stages import SETTINGS as TEACHER_SETTINGS
from recipes.zoo.stages import run_stages

__all__ = ["train_teacher"]


def train_teacher(settings: Settings, *, accelerator: str) -> None:
    """Train the teacher of a distillation, or go on; nothing where it is trained already."""
    folder = Path(settings.teacher)
    if (folder / MODEL).is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_teacher_settings(_settings(settings), folder / TEACHER_SETTINGS)
    run_stages(folder, "train", "average", accelerator=accelerator, devices=1)


def _settings(settings: Settings) -> TeacherSettings:
    steps, crops = settings.teacher_steps, settings.students.crops
    budget, tenth = Budget(), max(settings.teacher_steps // 10, 1)
    train = replace(
        budget.train,
        steps=steps,
        crops=crops,
        warmup_steps=max(steps // 15, 1),
        keep_every=max(steps // 30, 1),
    )
    large = replace(
        budget.large_margin,
        steps=tenth,
        crops=max(crops // 2, 1),
        keep_every=max(tenth // 3, 1),
    )
    data = DataSettings(
        "packed",
        settings.packed,
        speakers=settings.speakers,
        test_speakers=settings.test_speakers,
    )
    return TeacherSettings(
        settings.architecture,
        data,
        train,
        large,
        seed=settings.seed,
        workers=settings.workers,
        precision=settings.precision,
    )
