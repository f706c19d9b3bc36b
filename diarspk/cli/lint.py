"""``diarspk lint``: check of RTTM and UEM files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.json_text import json_text
from diarspk.cli.terminal import Failures, exit_on_error, say

if TYPE_CHECKING:
    from diarspk.formats import Finding

__all__ = ["lint"]

MAX_SHOWN = 100
"""Findings of one file that are shown, unless JSON is asked for."""


def lint(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="RTTM files, and UEM files (.uem).")
    ],
    audio: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the recordings, to find turns beyond their end."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 for warnings, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Check RTTM and UEM files: faults, and what scoring tools read differently, line by line."""
    failures = Failures()
    with exit_on_error():
        durations = {} if audio is None else _durations(audio)
    findings = _check(files, durations, failures)
    if as_json:
        print(json_text([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    say(f"{len(files)} files, {errors} errors, {warnings} warnings")
    failures.exit()
    if errors or (strict and warnings):
        raise typer.Exit(1)


def _check(files: Sequence[Path], durations: dict[str, float], failures: Failures) -> list[Finding]:
    from diarspk.formats.lint import check_rttm, lint_uem

    uems = [file for file in files if file.suffix.lower() == ".uem"]
    findings: list[Finding] = []
    ids: list[str] = []
    for file in files:
        if file not in uems:
            with failures.caught(file):
                found, named = check_rttm(file, durations=durations)
                findings += found
                ids += named
    for file in uems:
        with failures.caught(file):
            findings += lint_uem(file, durations=durations, turns_of=ids)
    return findings


def _print(findings: Sequence[Finding]) -> None:
    """Print the first findings of each file, one a line."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.file] += 1
        if counts[finding.file] <= MAX_SHOWN:
            print(finding)
    for file, count in counts.items():
        if count > MAX_SHOWN:
            say(f"{file}: {count - MAX_SHOWN} more findings; --json lists all")


def _durations(folder: Path) -> dict[str, float]:
    """Duration in seconds of each recording of a folder, by file name without suffix."""
    from diarspk.audio import open_audio
    from diarspk.errors import AudioError
    from diarspk.formats.names import plain_name

    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".rttm", ".uem", ".txt", ".json") or not path.is_file():
            continue
        try:
            duration = open_audio(path).measure_duration()  # a header may be wrong
        except AudioError:
            continue
        if duration:
            found[plain_name(path.stem)] = duration
    return found
