"""Tables of a distillation, from its report: sizes against errors, layers, correlations, claims."""

from __future__ import annotations

from typing import Any

from eval.report.markdown import markdown_table
from recipes.xvector_distillation.layer_activations import levels_of

__all__ = ["Report", "format_claims", "format_tables"]

Report = dict[str, Any]

FIGURES = ("cosine EER %", "PLDA EER %", "minDCF 0.05", "minDCF 0.01")
HEADER = (
    *("embedding", "dimension", "parameters", "reduction %"),
    *(f"teacher {name}" for name in FIGURES),
    *(f"student {name}" for name in FIGURES),
    "student less teacher",
    "agreement",
)

CLAIMED_REDUCTION = 0.75
"""arXiv 2303.01125: concatenated embeddings reach the teacher's level at 75 % fewer parameters."""


def format_tables(name: str, report: Report) -> str:
    """Format everything about one teacher; a heading comes first."""
    teacher, kinds = report["teacher"], report["kinds"]
    parts = [
        f"### {name}: {teacher['architecture']}, {teacher['parameters']:,} parameters",
        markdown_table(HEADER, [_row(kind) for kind in kinds if not _is_bare_layer(kind)]),
    ]
    layers = _ablation(report)
    if layers:
        parts.append("One frame-level layer at a time, from the input on:")
        parts.append(markdown_table(HEADER, [_row(kind, kind["sources"][0]) for kind in layers]))
    for side in ("teacher", "students"):
        parts.append(f"Correlation between the embeddings of the {side}:")
        parts.append(_correlations(report["correlation"], side))
    return "\n\n".join(parts)


def format_claims(report: Report) -> list[str]:
    """Say of each claim of the paper whether it holds: by the intervals, in points of PLDA EER."""
    small = [kind for kind in report["kinds"] if kind["reduction"] >= CLAIMED_REDUCTION]
    claims = [
        "No student is 75 % smaller than the teacher."
        if not small
        else _level(min(small, key=lambda kind: kind["student_less_teacher"]["value"]), report)
    ]
    if (found := report["concatenation"]) is not None:
        between = found["concatenated_less_single"]
        verdict = _verdict(
            between,
            below="concatenation is best",
            above="a single kind is best",
            neither="the two cannot be told apart",
        )
        claims.append(
            f"Concatenated kinds: {verdict}. The best student of a concatenation, "
            f"`{found['concatenated']}`, less the best of a single kind, `{found['single']}`: "
            f"{_points(between)}."
        )
    return claims


def _level(best: Report, report: Report) -> str:
    own = report["teacher"]["utterance"]["plda"]["equal_error_rate"]
    verdict = _verdict(
        best["student_less_teacher"],
        below="a student is better than the teacher",
        above="not reached",
        neither="reached, as far as these trials tell",
    )
    return (
        f"The teacher's level, {_rate(own)} %, at 75 % fewer parameters: {verdict}. The best "
        f"student is that of `{best['kind']}`, {100 * best['reduction']:.1f} % smaller, with "
        f"{_rate(best['student']['plda']['equal_error_rate'])} %: "
        f"{_points(best['student_less_teacher'])}."
    )


def _verdict(interval: Report, *, below: str, above: str, neither: str) -> str:
    if interval["high"] < 0:
        return below
    return above if interval["low"] > 0 else neither


def _row(kind: Report, name: str | None = None) -> tuple[str, ...]:
    return (
        name or kind["kind"],
        str(kind["dimension"]),
        f"{kind['parameters']:,}",
        f"{100 * kind['reduction']:.1f}",
        *_figures(kind["teacher"]),
        *_figures(kind["student"]),
        _points(kind["student_less_teacher"]),
        f"{kind['agreement']:.2f}",
    )


def _figures(figures: Report) -> tuple[str, ...]:
    plda = figures["plda"]
    return (
        f"{100 * figures['cosine_equal_error_rate']:.2f}",
        _rate(plda["equal_error_rate"]),
        f"{plda['min_dcf']['0.05']:.3f}",
        f"{plda['min_dcf']['0.01']:.3f}",
    )


def _rate(interval: Report) -> str:
    value, low, high = (100 * interval[name] for name in ("value", "low", "high"))
    return f"{value:.2f} ({low:.1f}-{high:.1f})"


def _points(interval: Report) -> str:
    value, low, high = (100 * interval[name] for name in ("value", "low", "high"))
    return f"{value:+.2f} ({low:+.1f} to {high:+.1f})"


def _is_bare_layer(kind: Report) -> bool:
    """Whether a kind goes by the name of its layer, which only the ablation is about."""
    return bool(kind["level"] == "frame" and kind["sources"] == [kind["kind"]])


def _ablation(report: Report) -> list[Report]:
    """Kinds of one layer alone, in the order of the layers."""
    order = levels_of(report["teacher"]["architecture"]).layers
    single = [kind for kind in report["kinds"] if kind["level"] == "frame"]
    return sorted(single, key=lambda kind: order.index(kind["sources"][0]))


def _correlations(correlation: Report, side: str) -> str:
    numbers = [str(number) for number in range(1, len(correlation["kinds"]) + 1)]
    rows = [
        [f"{number} {name}", *(f"{value:.2f}" for value in values)]
        for number, name, values in zip(
            numbers, correlation["kinds"], correlation[side], strict=True
        )
    ]
    return markdown_table(["embedding", *numbers], rows)
