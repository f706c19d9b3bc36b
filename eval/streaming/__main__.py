"""Measure streaming diarization on conversations: errors, stability of labels, time and memory.

    python -m eval.streaming --data ../shared/conversations/simulated --markdown table.md \
        --plot latency.svg

Every recording is streamed at each latency in pushes of one second, and diarized offline by the
same models. Times are those of the processor on one thread, so that other work on the machine
counts little. With ``--memory-hours``, the recordings follow each other in one session for so long.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from eval.command_line import command
from eval.report.run_record import JsonReport, write_text
from eval.streaming.tables import (
    accuracy_table,
    plot_latency,
    published_table,
    stability_table,
    time_table,
)

__all__ = ["main"]

CONVENTION = (
    "Strict DER (collar 0, overlap scored), pooled; final turns with merges applied, and in the "
    "column `unmerged` without."
)


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations."""
    latencies: tuple[float, ...] = (0.32, 0.64, 1.04, 5.0)
    """Latencies in seconds."""
    recordings: int | None = None
    """Only so many recordings of each folder."""
    memory_hours: float = 0.0
    """Stream the recordings one after the other for so long, and tell the memory each hour."""
    markdown: Path | None = None
    """Write the tables to this file."""
    plot: Path | None = None
    """Draw the error rate against the latency to this file (matplotlib)."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 0 if every recording was scored."""
    import torch

    import diarspk
    from diarspk.audio import load_audio
    from eval.diarization.conversations import read_conversations
    from eval.streaming.memory import memory_over
    from eval.streaming.session import SessionResult, component_of, run_session
    from eval.streaming.trunk_cost import trunk_table

    torch.set_num_threads(1)
    conversations = [
        one for folder in settings.data for one in read_conversations(folder)[: settings.recordings]
    ]
    diarizer = diarspk.Diarizer()
    audio = [load_audio(one.audio) for one in conversations]
    offline = [
        component_of(one, diarizer(samples, 16000).annotation)
        for one, samples in zip(conversations, audio, strict=True)
    ]
    results: dict[float, list[SessionResult]] = {}
    for latency in settings.latencies:
        results[latency] = []
        for one, samples in zip(conversations, audio, strict=True):
            results[latency].append(run_session(one, samples, diarizer, latency))
            der = 100 * results[latency][-1].components.der
            print(f"{latency:g} s {one.name}: DER {der:.1f} %", file=sys.stderr)
    tables = [
        accuracy_table(results, offline),
        CONVENTION,
        stability_table(results),
        time_table(results),
        trunk_table(diarizer.models.trunk, diarizer.models.precision, settings.latencies),
        "Published, of another set:",
        published_table(),
    ]
    if settings.memory_hours:
        tables.append(memory_over(audio, diarizer, settings.memory_hours))
    text = "\n\n".join(tables) + "\n"
    print(text, end="")
    if settings.markdown is not None:
        write_text(text, settings.markdown)
    if settings.plot is not None:
        plot_latency(results, offline, settings.plot)
    settings.report.write(
        {
            "convention": CONVENTION,
            "offline": [replace(one).__dict__ for one in offline],
            "results": {
                f"{latency:g}": [one.components.__dict__ for one in sessions]
                for latency, sessions in results.items()
            },
        }
    )


if __name__ == "__main__":
    raise SystemExit(main())
