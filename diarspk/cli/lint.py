"""``diarspk lint``: check of RTTM and UEM files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    from diarspk.formats import Finding

__all__ = ["lint"]


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
    with exit_on_error():
        findings = _check(files, {} if audio is None else _durations(audio))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    say(f"{len(files)} files, {errors} errors, {warnings} warnings")
    if errors or (strict and warnings):
        raise typer.Exit(1)


def _check(files: Sequence[Path], durations: dict[str, float]) -> list[Finding]:
    from diarspk.errors import FormatError
    from diarspk.formats import lint_rttm, lint_uem, read_rttm

    uems = [file for file in files if file.suffix.lower() == ".uem"]
    findings: list[Finding] = []
    ids: list[str] = []
    for file in files:
        if file in uems:
            continue
        findings += lint_rttm(file, durations=durations)
        try:
            ids += list(read_rttm(file))
        except FormatError:
            continue  # among the findings already
    for file in uems:
        findings += lint_uem(file, durations=durations, turns_of=ids)
    return findings


def _durations(folder: Path) -> dict[str, float]:
    """Duration in seconds of each recording of a folder, by file name without suffix."""
    from diarspk.audio import open_audio
    from diarspk.errors import AudioError

    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".rttm", ".uem", ".txt", ".json") or not path.is_file():
            continue
        try:
            duration = open_audio(path).duration
        except AudioError:
            continue
        if duration:
            found[path.stem] = duration
    return found
