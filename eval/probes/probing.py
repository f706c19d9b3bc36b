"""Linear probing: every probe on every cue of a system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.verification.metrics import equal_error_rate
from eval.probes.disentanglement import Disentanglement, measure_disentanglement
from eval.probes.labels import TASKS, Record, Task
from eval.probes.linear import Probed, probe_labels, probe_values
from eval.probes.vectors import PROSODY, Cues
from eval.report.cells import percent_cell
from eval.report.markdown import markdown_table
from eval.verification.all_pairs import score_all_pairs

__all__ = [
    "CONVENTION",
    "CarriedCue",
    "ProbeData",
    "describe_carried",
    "format_carried",
    "probe_system",
    "split_utterances",
]

VALUES = {"pitch": PROSODY.index("pitch"), "energy": PROSODY.index("energy")}

CONVENTION = (
    "Balanced accuracy (every answer weighs alike), or for pitch and energy R2, %; in brackets 95 "
    "% of a bootstrap over speakers, then chance and the same probe fitted on shuffled labels. "
    "Probes are fitted on other speakers than they are tested on; only the speaker itself is asked "
    "of other utterances. EER: all pairs of the tested utterances by cosine."
)


@dataclass(frozen=True, eq=False)
class ProbeData:
    """Utterances to fit on and to test on, with what is known of them.

    Attributes
    ----------
    records : sequence of Record
        Of both sides.
    held_out : ndarray of bool, ``(n,)``
        Those tested on: by other speakers than all others.
    prosody : ndarray, ``(n, 8)``
        See :func:`eval.probes.vectors.prosody_vector`.
    """

    records: Sequence[Record]
    held_out: NDArray[np.bool_]
    prosody: NDArray[np.float64]

    @property
    def speakers(self) -> list[str]:
        """Speaker of each record."""
        return [one.speaker for one in self.records]


@dataclass(frozen=True, eq=False)
class CarriedCue:
    """All that was asked of one cue."""

    system: str
    cue: str
    dimension: int
    equal_error_rate: float
    probes: tuple[Probed, ...]
    disentanglement: Disentanglement | None

    def as_dict(self) -> dict[str, Any]:
        """Figures as JSON holds them."""
        found = self.disentanglement
        return {
            "system": self.system,
            "cue": self.cue,
            "dimension": self.dimension,
            "equal_error_rate": self.equal_error_rate,
            "probes": [one.as_dict() for one in self.probes],
            "disentanglement": None if found is None else asdict(found),
        }


def probe_system(
    system: str,
    cues: Cues,
    data: ProbeData,
    *,
    tasks: Sequence[Task] = TASKS,
    seed: int = 0,
    resamples: int = 200,
) -> list[CarriedCue]:
    """Ask every question of every cue; a question without enough answers is left out."""
    found = []
    for cue, vectors in cues.items():
        options = {"seed": seed, "resamples": resamples}
        asked = [_ask(cue, vectors, data, task, **options) for task in tasks]
        asked += [
            probe_values(
                cue, name, vectors, data.prosody[:, column], data.speakers, data.held_out, **options
            )
            for name, column in VALUES.items()
        ]
        probes = tuple(one for one in asked if one is not None)
        found.append(
            CarriedCue(
                system=system,
                cue=cue,
                dimension=vectors.shape[1],
                equal_error_rate=_error(vectors, data),
                probes=probes,
                disentanglement=measure_disentanglement(probes) if probes else None,
            )
        )
    return found


def split_utterances(
    speakers: Sequence[str], *, share: float = 0.34, seed: int = 0
) -> NDArray[np.bool_]:
    """Hold out a share of each speaker's utterances; of one who has fewer than two, none."""
    random, names = np.random.default_rng(seed), np.asarray(speakers, str)
    held = np.zeros(len(names), bool)
    for name in np.unique(names):
        own = random.permutation(np.flatnonzero(names == name))
        if len(own) > 1:
            held[own[: max(1, round(share * len(own)))]] = True
    return held


def format_carried(cues: Sequence[CarriedCue]) -> str:
    """Two Markdown tables: a row for each cue, then a row for each question of each cue."""
    tasks = list(dict.fromkeys(probe.task for one in cues for probe in one.probes))
    rows, details = [], []
    for one in cues:
        by_task = {probe.task: probe for probe in one.probes}
        scores = [
            percent_cell(by_task[name].score.value) if name in by_task else "-" for name in tasks
        ]
        figures = one.disentanglement
        parts = (
            ["-"] * 3
            if figures is None
            else [
                f"{value:.2f}"
                for value in (
                    figures.disentanglement,
                    figures.completeness,
                    figures.informativeness,
                )
            ]
        )
        head = [one.system, one.cue]
        rows.append(
            [*head, str(one.dimension), percent_cell(one.equal_error_rate), *scores, *parts]
        )
        details += [[*head, *_detail(probe)] for probe in one.probes]
    header = ["system", "cue", "size", "EER", *tasks]
    table = markdown_table([*header, "disentangled", "complete", "informative"], rows)
    header = ["system", "cue", "question", "score", "95 %", "chance", "shuffled", "answers"]
    return f"{table}\n\n{markdown_table([*header, 'fitted', 'tested', 'groups'], details)}"


def describe_carried(cues: Sequence[CarriedCue]) -> dict[str, Any]:
    """Document as JSON holds it; :mod:`eval.cues` reads it."""
    return {"convention": CONVENTION, "carried": [one.as_dict() for one in cues]}


def _ask(
    cue: str, vectors: NDArray[np.float64], data: ProbeData, task: Task, **options: int
) -> Probed | None:
    labels, speakers = np.array(task.answers(data.records)), np.array(data.speakers)
    held_out = data.held_out
    apart = task.apart == "speakers"
    if not apart:
        # Among those speakers that no encoder was trained on: what is held out for the others.
        vectors, labels, speakers = vectors[held_out], labels[held_out], speakers[held_out]
        held_out = split_utterances(speakers.tolist(), seed=options["seed"])
    return probe_labels(
        cue,
        task.name,
        vectors,
        labels.tolist(),
        speakers.tolist(),
        held_out,
        by_speaker=apart,
        **options,
    )


def _error(vectors: NDArray[np.float64], data: ProbeData) -> float:
    """Equal error rate; components without a common unit are standardised first."""
    rows = comparable(vectors[data.held_out])
    speakers = np.array(data.speakers)[data.held_out].tolist()
    scores, labels = score_all_pairs(rows.astype(np.float32), speakers)
    return equal_error_rate(scores, labels) if 0 < labels.sum() < len(labels) else float("nan")


def comparable(
    rows: NDArray[np.float64], reference: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Bring vectors into a shape that cosine compares.

    Unit vectors of an encoder stay as they are. All others are standardised, component by
    component, by the mean and deviation of the reference; what is not a number is the mean.
    """
    reference = rows if reference is None else reference
    if np.allclose(np.linalg.norm(reference, axis=1), 1, atol=1e-3):
        return rows
    known = np.isfinite(reference)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, reference, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(known, np.square(reference - mean), 0).sum(axis=0) / count)
    standard = np.where(np.isfinite(rows), rows - mean, 0) / np.where(
        deviation > 0, deviation, np.inf
    )
    return normalize_rows(standard)


def _detail(probe: Probed) -> list[str]:
    score = probe.score
    return [
        probe.task,
        percent_cell(score.value),
        f"[{percent_cell(score.low)}, {percent_cell(score.high)}]",
        percent_cell(probe.chance),
        percent_cell(probe.shuffled),
        str(probe.answers) if probe.answers else "-",
        *(str(count) for count in (probe.fitted, probe.tested, probe.groups)),
    ]
