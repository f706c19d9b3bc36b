"""A kind of the teacher's embeddings beside those of its student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.architectures.registry import count_parameters
from recipes.embedded.data.pool import Pool
from recipes.embedded.data.speakers import read_speakers
from recipes.xvector_distillation.correlation import correlate
from recipes.xvector_distillation.embedding_types import Kind
from recipes.xvector_distillation.evaluation import (
    Evaluation,
    Tested,
    embed_crops,
    embed_recordings,
    labelled_crops,
)
from recipes.xvector_distillation.resampling import Rates, difference
from recipes.xvector_distillation.students import Student
from recipes.xvector_distillation.targets import Targets, tested_rows
from recipes.zoo.settings import Settings as TeacherSettings

__all__ = ["Scored", "Scoring", "compare_concatenated", "open_scoring"]


@dataclass(frozen=True, eq=False)
class Scored:
    """One kind on the trials, as the teacher makes it and as its student does."""

    kind: Kind
    network: Student
    teacher: Tested
    student: Tested

    def describe(self, teacher_parameters: int, reference: Rates) -> dict[str, Any]:
        """Put into JSON: sizes, figures, and how alike student and teacher are.

        Parameters
        ----------
        teacher_parameters
        reference
            Error rates of the teacher's own embedding.
        """
        parameters = count_parameters(self.network)
        return {
            "kind": self.kind.name,
            "sources": self.kind.sources,
            "level": "utterance" if self.kind.layer is None else "frame",
            "dimension": self.network.dimension,
            "parameters": parameters,
            "reduction": 1 - parameters / teacher_parameters,
            "teacher": self.teacher.figures,
            "student": self.student.figures,
            "student_less_teacher": asdict(difference(self.student.rates, reference)),
            "agreement": float(correlate([self.teacher.cosines, self.student.cosines])[0, 1]),
        }


@dataclass(frozen=True, eq=False)
class Scoring:
    """Data that all kinds are scored on.

    Attributes
    ----------
    chosen : ndarray
        Crops that the back ends are fitted to.
    """

    targets: Targets
    train: Pool
    test: Pool
    chosen: NDArray[np.int64]
    evaluation: Evaluation

    def test_teacher(self, kind: Kind) -> Tested:
        """Score what the teacher said."""
        return self.evaluation.run(
            self.targets.of_crops(kind)[self.chosen], self.targets.of_test(kind)
        )

    def compare(self, kind: Kind, student: Student) -> Scored:
        """Score what the teacher said, and what its student says."""
        learned = (
            embed_crops(student, self.train, self.targets.crops, self.chosen),
            embed_recordings(student, self.test, tested_rows(self.test)),
        )
        return Scored(kind, student, self.test_teacher(kind), self.evaluation.run(*learned))


def compare_concatenated(scored: Sequence[Scored]) -> dict[str, Any] | None:
    """Compare the best student of a concatenation with the best one of a single kind.

    The best are chosen on the trials that they are compared on, on either side alike. None where
    one side is missing.
    """
    joined = [one for one in scored if len(one.kind.sources) > 1]
    single = [one for one in scored if len(one.kind.sources) == 1]
    if not joined or not single:
        return None
    first, second = (min(side, key=lambda one: one.student.rates[0]) for side in (joined, single))
    return {
        "concatenated": first.kind.name,
        "single": second.kind.name,
        "concatenated_less_single": asdict(difference(first.student.rates, second.student.rates)),
    }


def open_scoring(targets: Targets, trained: TeacherSettings, train: Pool, test: Pool) -> Scoring:
    """Find the crops of the back ends, and the trials, by the tables of the teacher's run."""
    speakers = read_speakers(Path(trained.data.speakers))
    test_speakers = read_speakers(Path(trained.data.test_speakers))
    chosen = labelled_crops(train, targets.crops, speakers)
    fitted = [speakers[train.utterance[row]] for row in targets.crops.rows[chosen].tolist()]
    tested = [test_speakers[test.utterance[row]] for row in tested_rows(test)]
    return Scoring(targets, train, test, chosen, Evaluation(np.array(tested), np.array(fitted)))
