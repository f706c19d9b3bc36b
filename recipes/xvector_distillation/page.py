"""The page of results of several teachers: what the paper claims, whether it holds, all tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from eval.report.markdown import markdown_table
from eval.report.run_record import write_text
from recipes.xvector_distillation.report_tables import Report, format_claims, format_tables
from recipes.xvector_distillation.stages import REPORT

__all__ = ["write_page"]

NOTE = "<!-- Written by `python -m recipes.xvector_distillation.study RUNS --page PAGE`. -->"

INTRODUCTION = (
    "Students of eight fully connected layers learn embeddings of a teacher: of the utterance, of "
    "frames, of several layers pooled, and these concatenated "
    "([recipe](../../recipes/xvector_distillation/README.md); arXiv 2303.01125). Every embedding "
    "has a PLDA of its own. In brackets 95 % intervals over resamples of the enrolled speakers. "
    "*Student less teacher* is the student's PLDA EER less that of the teacher's own embedding, in "
    "points, on the same resamples; *agreement* the correlation of the cosines of a student with "
    "those of what it learned."
)


def write_page(runs: Sequence[Path], page: Path) -> None:
    """Write the page of finished runs; an existing one is replaced at once."""
    reports = {
        run.name: json.loads((run / REPORT).read_text(encoding="utf-8")) for run in sorted(runs)
    }
    parts = ["# Distillation", NOTE, INTRODUCTION, _summary(reports)]
    for name, report in reports.items():
        claims = "\n".join(f"- {claim}" for claim in format_claims(report))
        parts += [f"## Teacher {name}", claims, format_tables(name, report), _origin(report)]
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text("\n\n".join(parts) + "\n", page)


def _summary(reports: dict[str, Report]) -> str:
    rows = []
    for name, report in reports.items():
        best = min(report["kinds"], key=lambda kind: _error(kind["student"]))
        own, parameters = report["teacher"]["utterance"], report["teacher"]["parameters"]
        rows.append(
            (
                name,
                f"{parameters:,}",
                f"{100 * own['cosine_equal_error_rate']:.2f}",
                f"{100 * _error(own):.2f}",
                best["kind"],
                f"{best['parameters']:,}",
                f"{100 * best['student']['cosine_equal_error_rate']:.2f}",
                f"{100 * _error(best['student']):.2f}",
            )
        )
    header = (
        *("teacher", "parameters", "cosine EER %", "PLDA EER %", "its best student"),
        *("parameters", "cosine EER %", "PLDA EER %"),
    )
    return markdown_table(header, rows)


def _error(figures: Report) -> float:
    return float(figures["plda"]["equal_error_rate"]["value"])


def _origin(report: Report) -> str:
    teacher, settings = report["teacher"], report["settings"]
    plda = report["teacher"]["utterance"]["plda"]
    students = settings["students"]
    return (
        f"*teacher {teacher['name']} `{teacher['fingerprint']}`; {report['crops']:,} crops of "
        f"{students['frames_per_crop'] / 100:g} s, students {students['steps']} steps of "
        f"{students['crops']} crops, width {settings['width']}; back ends fitted to "
        f"{report['fitted']:,} crops; {plda['trials']:,} trials, {plda['targets']:,} of one "
        f"speaker; seed {settings['seed']}; "
        f"{report['machine']['processor']}, {report['date'][:10]}*"
    )
