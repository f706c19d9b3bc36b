"""Date, command, machine and versions of a run, which every report records beside its figures."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path
from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError, DiarspkError

__all__ = [
    "JsonReport",
    "damaged_settings",
    "describe_run",
    "finished_runs",
    "write_json",
    "write_text",
]

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


@dataclass(frozen=True)
class JsonReport:
    """File of the figures."""

    json: Path | None = None
    """Write figures, machine, versions and command to this file."""

    def write(self, figures: Mapping[str, Any]) -> None:
        """Write the figures and the description of the run, if a file was asked for."""
        if self.json is not None:
            write_json({**describe_run(), **figures}, self.json)


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


def finished_runs(runs: Iterable[Path], report: str) -> list[Path]:
    """Folders of runs that have their report; the others are told, and left out.

    Raises
    ------
    ArgumentError
        If none has it.
    """
    found = []
    for run in runs:
        if (run / report).is_file():
            found.append(run)
        else:
            say(f"note: {run}: has no {report}, so it is left out")
    if not found:
        raise ArgumentError(f"`RUNS` must be folders of finished runs, which have a {report}")
    return found


@contextmanager
def damaged_settings(path: Path) -> Iterator[None]:
    """Refuse a file of settings that does not hold those of this recipe.

    Raises
    ------
    ArgumentError
        In the place of what the constructors raise.
    """
    try:
        yield
    except (DiarspkError, OSError):
        raise
    except Exception as error:
        fault = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ArgumentError(
            f"{path}: is damaged, or of another recipe ({fault}); give another folder"
        ) from error


def write_json(report: Mapping[str, Any], path: Path) -> None:
    """Write a report; an existing one is replaced at once, never half."""
    write_text(json.dumps(report, indent=2) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text; an existing file is replaced at once, never half."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


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
