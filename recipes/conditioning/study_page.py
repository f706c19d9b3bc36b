"""The page of the study: three tables, each with what its figures mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.report.cells import UNKNOWN, interval_cell, number_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import write_text

__all__ = ["write_page"]

Report = dict[str, Any]

NOTE = "<!-- Written by `python -m recipes.conditioning.study RUN --page PAGE`. -->"

INTRODUCTION = (
    "One small decoder of log-mel features and pitch for every cue, all of one size and trained "
    "alike, from content that lacks energy, pitch and most of the voice "
    "([recipe](../../recipes/conditioning/README.md)). Probed on speakers of the dev split, who "
    "were not trained on. Every component of a cue is centred and scaled over the training "
    "utterances, so that zeros are the average of the training speakers. Intervals are 95 % of a "
    "bootstrap over speakers."
)

IDENTITY = (
    "*Near cue*: mean cosine of an output with another speaker's cue to that speaker's recordings; "
    "*near content*: to those of the content's. *Transfer*: 0 where the output keeps the voice "
    "that it has with its own cue, 1 where it is as near the cue's speaker as that speaker's own "
    "content and cue. *Entropy share*, *agreement* and *found source*: at a cue of zeros, whether "
    "outputs are near different training speakers, alike, and near the speaker of the content "
    "(chance in brackets). *Leakage*: balanced accuracy of a linear probe for the speaker of the "
    "content, in the output at a cue of zeros and in the states before the cue. *Separation*: "
    "harmonic mean of transfer and of what does not leak. A judge that made the cues is marked *."
)

STYLE = (
    "Explained variance, 1 for all of it, 0 for what a constant would do, below 0 for worse than "
    "that: *all* over all utterances, *within* within speakers, where only style is left. The cue "
    "is of the utterance that is decoded: what can a cue of this kind hand over? *Zeros* are the "
    "same decoder without a cue: what the content tells by itself."
)

FACTORS = (
    ("mean spectrum", "all"),
    ("mean pitch", "all"),
    ("mean spectrum", "within"),
    ("mean pitch", "within"),
    ("pitch range", "within"),
    ("energy range", "within"),
    ("pitch contour", "all"),
    ("energy contour", "all"),
)


def write_page(described: Mapping[str, Any], reports: Sequence[Report], page: Path) -> None:
    """Write the page; an existing one is replaced at once.

    Parameters
    ----------
    described
        Settings, machine and date of the study.
    reports
        One of each decoder.
    """
    encoders = [one for one in reports if one["variant"]["table"] == "encoders"]
    levels = [one for one in reports if one["variant"]["table"] == "levels"]
    learnt = [one for one in reports if one["variant"]["table"] == "disentanglement"]
    parts = [
        "# Cues in synthesis",
        NOTE,
        INTRODUCTION,
        "## Choice of embedding",
        "The cue is of another utterance of the speaker.",
        _identity(encoders),
        _style(encoders),
        IDENTITY,
        "## Levels of a cue: timbre, pitch, energy and style",
        _style(levels),
        STYLE,
        *_answers(levels),
        _identity(levels),
        "## Learnt disentanglement",
        "Beside the plain cue, a decoder whose states before the cue are trained by gradient "
        "reversal to tell nothing of the speaker.",
        _identity([*encoders[:1], *learnt]),
        _style([*encoders[:1], *learnt]),
        _origin(described, reports),
    ]
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text("\n\n".join(parts) + "\n", page)


def _identity(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        leakage = {one["cue"]: one for one in report["leakage"]}
        for judged in report["judges"]:
            zero, swap = judged["zero"], judged["swap"]
            rows.append(
                [
                    report["variant"]["title"],
                    str(report["dimension"]),
                    judged["judge"] + "*" * judged["made_the_cues"],
                    *(f"{swap[name]:.2f}" for name in ("supplied", "original", "transfer")),
                    *(f"{zero[name]:.2f}" for name in ("entropy_share", "agreement")),
                    f"{100 * zero['found_source']:.0f} ({100 * zero['chance']:.0f})",
                    *(_leakage(leakage.get(f"{state}, zero cue")) for state in ("output", "core")),
                    number_cell(judged["separation"]),
                ]
            )
    header = (
        *("cue", "dimension", "judge", "near cue", "near content", "transfer", "entropy share"),
        *("agreement", "found source %", "leakage: output %", "leakage: core %", "separation"),
    )
    return markdown_table(header, rows)


def _style(reports: Sequence[Report]) -> str:
    rows = [
        [title, *(_explained(report, side, *factor) for factor in FACTORS)]
        for report in reports
        for side, title in (
            ("cue", report["variant"]["title"]),
            ("zeros", f"{report['variant']['title']}: zeros"),
        )
    ]
    return markdown_table(["cue", *(f"{name}, {kind}" for name, kind in FACTORS)], rows)


def _answers(levels: Sequence[Report]) -> list[str]:
    """Say, by factor, which level hands over most, and what the utterance vector does."""
    by_title = {one["variant"]["title"]: one for one in levels}
    vector = by_title.get("utterance")
    if vector is None:
        return []
    lines = []
    for factor in FACTORS:
        best = max(by_title, key=lambda title: _value(by_title[title], "cue", *factor))
        own = _interval(vector, "cue", *factor)
        found = _interval(by_title[best], "cue", *factor)
        apart = found["low"] > own["high"]
        verdict = (
            "the utterance vector does best"
            if best == "utterance"
            else f"`{best}` does best, {found['value']:.2f}, "
            + ("beyond the interval" if apart else "within the interval")
        )
        lines.append(
            f"- **{factor[0]}, {factor[1]}**: the utterance vector {_show(own)}; {verdict}."
        )
    return ["\n".join(lines)]


def _interval(report: Report, side: str, factor: str, kind: str) -> Mapping[str, float]:
    found: Mapping[str, float] = next(
        one[kind] for one in report["style"][side] if one["factor"] == factor
    )
    return found


def _value(report: Report, side: str, factor: str, kind: str) -> float:
    return float(_interval(report, side, factor, kind)["value"])


def _explained(report: Report, side: str, factor: str, kind: str) -> str:
    return _show(_interval(report, side, factor, kind))


def _show(interval: Mapping[str, float]) -> str:
    return f"{interval['value']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]"


def _leakage(probed: Mapping[str, float] | None) -> str:
    if probed is None:
        return UNKNOWN
    return interval_cell(probed["value"], probed["low"], probed["high"], 0, percent=True)


def _origin(described: Mapping[str, Any], reports: Sequence[Report]) -> str:
    budget, counts, people = (described[name] for name in ("budget", "utterances", "speakers"))
    fingerprints = {
        one["variant"]["title"]: one["fingerprint"] for one in reports if one["fingerprint"]
    }
    named = "; ".join(
        f"{title} `{fingerprint}`"
        for title, fingerprint in fingerprints.items()
        if title in described["encoders"]
    )
    return (
        f"*{named}; decoders of {reports[0]['parameters']:,} parameters and more, by the length of "
        f"the cue, {budget['steps']} steps of {budget['size']} crops of "
        f"{budget['frames'] / 100:g} s; {counts['train']} utterances of {people['train']} "
        f"speakers, tested on {counts['test']} of {people['test']}; seed {budget['seed']}; "
        f"{described['machine']['processor']}, {described['date'][:10]}*"
    )
