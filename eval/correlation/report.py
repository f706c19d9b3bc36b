"""The study as Markdown tables, a JSON document, pictures, and one HTML page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

from eval.correlation.association import Association, Interval, associate, compare
from eval.correlation.study import CONVENTIONAL, DER_MEASURES, EER_MEASURES, Measured
from eval.report.markdown import markdown_table
from eval.report.run_record import write_text

__all__ = ["Analysis", "analyse", "draw_scatter", "format_study", "write_html"]

RECOMMENDED = "eer combined"


@dataclass(frozen=True)
class Analysis:
    """Associations of every error rate of verification with every one of diarization.

    Attributes
    ----------
    associations : dict
        By names of both measures; the partial coefficient controls for the conventional EER
        (for the conventional one, for that of the combined list).
    differences : dict
        Spearman's coefficient of the combined list less that of the conventional EER, by the name
        of the diarization measure.
    """

    associations: dict[tuple[str, str], Association]
    differences: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        return {
            "associations": [
                {"verification": first, "diarization": second, **asdict(one)}
                for (first, second), one in self.associations.items()
            ],
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def analyse(results: Sequence[Measured], *, resamples: int = 1000, seed: int = 0) -> Analysis:
    """Correlate all measures that every encoder has."""
    columns = {
        name: values
        for name in (*EER_MEASURES, *DER_MEASURES)
        if all(map(math.isfinite, values := [one.measures.get(name, math.nan) for one in results]))
    }
    first_names = [name for name in EER_MEASURES if name in columns]
    second_names = [name for name in DER_MEASURES if name in columns]
    options = {"resamples": resamples, "seed": seed}
    associations = {}
    for first, second in product(first_names, second_names):
        control = RECOMMENDED if first == CONVENTIONAL else CONVENTIONAL
        associations[first, second] = associate(
            columns[first], columns[second], given=columns.get(control), **options
        )
    both = CONVENTIONAL in columns and RECOMMENDED in columns
    differences = {
        second: compare(columns[second], columns[RECOMMENDED], columns[CONVENTIONAL], **options)
        for second in (second_names if both else [])
    }
    return Analysis(associations, differences)


def format_study(results: Sequence[Measured], analysis: Analysis | None) -> str:
    """Measures of every encoder, then coefficients, then what came out in plain words."""
    names = [*EER_MEASURES, *DER_MEASURES]
    rows = [
        [one.encoder, *(_percent(one.measures.get(name, math.nan)) for name in names)]
        for one in results
    ]
    parts = [markdown_table(["encoder, %", *names], rows)]
    if analysis is not None:
        header = ["verification", "diarization", "Pearson", "Spearman", "Kendall", "partial"]
        found = [
            [*pair, *map(_bounds, (one.pearson, one.spearman, one.kendall, one.partial))]
            for pair, one in analysis.associations.items()
        ]
        parts += [markdown_table(header, found), "\n".join(_state(analysis))]
    return "\n\n".join(parts)


def _state(analysis: Analysis) -> list[str]:
    """One sentence for each error rate of diarization, whichever way it came out."""
    lines = []
    for name, difference in analysis.differences.items():
        ranked = {
            first: one.spearman.value
            for (first, second), one in analysis.associations.items()
            if second == name and math.isfinite(one.spearman.value)
        }
        best = max(ranked, key=lambda first: ranked[first], default="none")
        if difference.low > 0:
            verdict = "the combined list predicts it better than the conventional EER does"
        elif difference.high < 0:
            verdict = "the conventional EER predicts it better than the combined list does"
        else:
            verdict = "the combined list and the conventional EER cannot be told apart"
        lines.append(
            f"- {name}: most in line with it is {best}; {verdict} (Spearman's coefficient "
            f"{_bounds(difference)} higher for the combined list)."
        )
    return lines


def draw_scatter(results: Sequence[Measured], measure: str) -> str:
    """Draw a diarization error rate over every error rate of verification: SVG text."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 9), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, name in zip(panels, EER_MEASURES, strict=True):
        points = [
            (100 * one.measures.get(name, math.nan), 100 * one.measures.get(measure, math.nan), one)
            for one in results
        ]
        for x, y, one in points:
            if math.isfinite(x) and math.isfinite(y):
                axes.plot(x, y, "x" if one.degraded else "o", color="#4477aa")
                axes.annotate(
                    one.encoder, (x, y), fontsize=7, xytext=(3, 3), textcoords="offset points"
                )
        axes.set_xlabel(f"{name}, %")
        axes.set_ylabel(f"{measure}, %")
        axes.spines[["top", "right"]].set_visible(False)
    stream = StringIO()
    with rc_context({"svg.hashsalt": measure, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def write_html(
    results: Sequence[Measured],
    analysis: Analysis | None,
    pictures: dict[str, str],
    notes: Sequence[str],
    path: Path,
) -> None:
    """Write one page that needs no other file."""
    tables = format_study(results, analysis).split("\n\n")
    body = "\n".join(
        _html_table(part) if part.startswith("|") else _html_list(part) for part in tables
    )
    figures = "\n".join(
        f"<h2>{escape(name)}</h2>\n<figure>{picture}</figure>" for name, picture in pictures.items()
    )
    remarks = "\n".join(f"<p>{escape(note)}</p>" for note in notes)
    style = (
        "body{font-family:sans-serif;margin:2em;max-width:110em}table{border-collapse:collapse;"
        "margin:1em 0;font-size:90%}td,th{padding:.2em .6em;border-bottom:1px solid #ccc;"
        "text-align:right}td:first-child,th:first-child{text-align:left}svg{max-width:100%;"
        "height:auto}"
    )
    write_text(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>EER and DER</title>'
        f"<style>{style}</style></head><body>\n<h1>How far EER predicts DER</h1>\n{remarks}\n"
        f"{body}\n{figures}\n</body></html>\n",
        path,
    )


def _html_table(markdown: str) -> str:
    lines = [
        [escape(cell.strip()) for cell in line.strip("|").split("|")]
        for line in markdown.splitlines()
    ]
    head, _, *rows = lines
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{cells}</tr>\n{body}\n</table>"


def _html_list(text: str) -> str:
    items = "\n".join(f"<li>{escape(line.removeprefix('- '))}</li>" for line in text.splitlines())
    return f"<ul>\n{items}\n</ul>"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}" if math.isfinite(share) else "-"


def _bounds(one: Interval | None) -> str:
    if one is None or not math.isfinite(one.value):
        return "-"
    return f"{one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
