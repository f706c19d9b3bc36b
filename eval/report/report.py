"""What every report holds beside its figures: the table, the machine, the versions, the command."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path

__all__ = ["describe_run", "markdown_table", "write_json"]

PACKAGES = (
    "diarspk",
    "numpy",
    "torch",
    "onnxruntime",
    "pyannote.metrics",
    "resemblyzer",
    "silero-vad",
    "spectralcluster",
)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, aligned so that it also reads as plain text; figures end at the right.

    Examples
    --------
    >>> print(markdown_table(["system", "DER %"], [["ours", "9.5"], ["peer", "12.25"]]))
    | system | DER % |
    |:-------|------:|
    | ours   |   9.5 |
    | peer   | 12.25 |
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    numeric = [all(_is_figure(cell) for cell in column) for column in zip(*rows, strict=True)]
    rule = "|".join(
        f"{'-' * (width + 1)}:" if right else f":{'-' * (width + 1)}"
        for width, right in zip(widths, numeric, strict=True)
    )
    lines = [
        " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        for row in (header, *rows)
    ]
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


def describe_run() -> dict[str, Any]:
    """Date, command, machine and versions, as JSON holds them."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": f"python -m {_module_name()} {' '.join(sys.argv[1:])}".strip(),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def write_json(report: dict[str, Any], path: Path) -> None:
    """Write a report; an existing one is replaced at once, never half."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _is_figure(cell: str) -> bool:
    return cell == "-" or cell.replace(".", "", 1).lstrip("+-").isdigit()


def _module_name() -> str:
    specification = sys.modules["__main__"].__spec__
    name = Path(sys.argv[0]).name if specification is None else specification.name
    return name.removesuffix(".__main__")


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Model of the processor; Linux tells it in a file only."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
