"""Tables and the picture of streaming sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from diarspk.metrics.scores import Components
from eval.report.markdown import markdown_table
from eval.streaming.published import PUBLISHED
from eval.streaming.session import SessionResult

__all__ = ["accuracy_table", "plot_latency", "published_table", "stability_table", "time_table"]

AMI_SHORT = "of AMI"
"""Set of the published figures, as the picture names it."""

Results = Mapping[float, Sequence[SessionResult]]


def pooled(components: Sequence[Components]) -> Components:
    """Sum of the components."""
    return sum(components, Components())


def _errors(components: Components) -> list[str]:
    total = components.total or 1.0
    parts = (components.miss, components.false_alarm, components.confusion)
    return [f"{100 * components.der:.1f}", *(f"{100 * part / total:.1f}" for part in parts)]


def accuracy_table(results: Results, offline: Sequence[Components]) -> str:
    """Strict error rate at each latency, and offline, on the same recordings."""
    whole = pooled(offline)
    rows = []
    for latency, sessions in results.items():
        merged = pooled([one.components for one in sessions])
        seen = pooled([one.unmerged for one in sessions])
        ratio = f"{merged.der / whole.der:.2f}" if whole.der else "-"
        rows.append([f"{latency:g}", *_errors(merged), ratio, f"{100 * seen.der:.1f}"])
    rows.append(["offline", *_errors(whole), "1.00", "-"])
    header = ["latency s", "DER %", "miss", "false alarm", "confusion", "to offline", "unmerged"]
    return markdown_table(header, rows)


def stability_table(results: Results) -> str:
    """How labels behave, at each latency."""
    rows = []
    for latency, sessions in results.items():
        hours = sum(one.seconds for one in sessions) / 3600
        waits = np.concatenate([one.waits for one in sessions]) if sessions else np.zeros(0)
        counts = np.concatenate([one.count_errors for one in sessions])
        tentative = sum(one.tentative for one in sessions) or 1.0
        right = sum(one.speakers[0] == one.speakers[1] for one in sessions)
        rows.append(
            [
                f"{latency:g}",
                f"{sum(one.merges for one in sessions) / hours:.0f}",
                f"{np.median(waits):.1f}" if len(waits) else "-",
                f"{np.percentile(waits, 90):.1f}" if len(waits) else "-",
                f"{100 * sum(one.revised for one in sessions) / tentative:.1f}",
                f"{np.abs(counts).mean():.2f}",
                f"{counts.mean():+.2f}",
                f"{right} of {len(sessions)}",
            ]
        )
    header = [
        "latency s",
        "label changes/h",
        "own label after s",
        "90 %",
        "tentative revised %",
        "count error",
        "bias",
        "count right at the end",
    ]
    return markdown_table(header, rows)


def time_table(results: Results) -> str:
    """Processor time of a push of one second, at each latency."""
    rows = []
    for latency, sessions in results.items():
        pushes = 1000 * np.concatenate([one.pushes for one in sessions])
        seconds = sum(one.seconds for one in sessions)
        figures = [np.median(pushes), np.percentile(pushes, 95), pushes.max()]
        rows.append(
            [
                f"{latency:g}",
                *(f"{figure:.0f}" for figure in figures),
                f"{pushes.sum() / 1000 / seconds:.3f}",
            ]
        )
    return markdown_table(["latency s", "push ms", "95 %", "worst", "real-time factor"], rows)


def published_table() -> str:
    """Tabulate what others have published."""
    rows = [
        [one.system, f"{one.latency_s:g}", f"{one.der:.2f}", one.set, one.source]
        for one in PUBLISHED
    ]
    return markdown_table(["system", "latency s", "DER %", "set", "source"], rows)


def plot_latency(results: Results, offline: Sequence[Components], path: Path) -> None:
    """Draw the error rate against the latency; the suffix gives the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    panel = figure.subplots()
    latencies = list(results)
    ours = [100 * pooled([one.components for one in sessions]).der for sessions in results.values()]
    panel.plot(latencies, ours, "o-", color="#4477aa", label="diarspk, live")
    whole = 100 * pooled(offline).der
    panel.axhline(whole, color="#4477aa", linestyle=":", label="diarspk, offline")
    for one in PUBLISHED:  # of another set: beside ours, not against them
        panel.plot(one.latency_s, one.der, "x", color="#999999")
    panel.plot([], [], "x", color="#999999", label=f"{PUBLISHED[0].system}, published, {AMI_SHORT}")
    panel.set_xscale("log")
    ticks = sorted({*latencies, *(one.latency_s for one in PUBLISHED)})
    panel.set_xticks(ticks, [f"{one:g}" for one in ticks], minor=False)
    panel.minorticks_off()
    panel.set_xlabel("latency in s")
    panel.set_ylabel("strict DER in %")
    panel.set_ylim(bottom=0)
    panel.legend(frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
