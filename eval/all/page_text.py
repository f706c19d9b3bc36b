"""The text of a page of results, and whose results an existing one shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eval.all.page import Page
from eval.all.step_runs import StepRun

__all__ = ["find_outdated", "format_page", "named_models"]

NOTE = "<!-- Written by `python -m eval.all`: what it measures is in eval/all/pages.py. -->"
MODEL = re.compile(r"\b(encoder|extractor) `([0-9a-f]{16})`")
PICTURES = (".svg", ".png")


def format_page(page: Page, runs: Sequence[StepRun], folder: Path) -> str:
    """Write a page: each command, what it printed, and of which models, when and where.

    Parameters
    ----------
    page
        The page.
    runs
        One of each of its steps.
    folder
        Where the pages lie; pictures of this one lie in a folder of its name there.
    """
    parts = [f"# {page.title}", NOTE]
    for step, run in zip(page.steps, runs, strict=True):
        parts.append(f"`python -m {run.command}`")
        if not step.silent:
            parts += [run.output, f"*{_origin(run)}*"]
    pictures = sorted(path for path in (folder / page.name).glob("*") if path.suffix in PICTURES)
    parts += [f"![{path.stem}]({page.name}/{path.name})" for path in pictures]
    return "\n\n".join(parts) + "\n"


def _origin(run: StepRun) -> str:
    models = [f"{kind} `{fingerprint}`" for kind, fingerprint in run.models.items()]
    return "; ".join([*models, run.machine, run.date])


def named_models(text: str) -> set[tuple[str, str]]:
    """Kinds and fingerprints of the models that a page names."""
    return {(kind, fingerprint) for kind, fingerprint in MODEL.findall(text)}


def find_outdated(folder: Path, models: Mapping[str, str]) -> Iterator[tuple[Path, str, str]]:
    """Find pages with figures of other models than those that ship.

    Parameters
    ----------
    folder
        Where the pages lie.
    models
        Fingerprints by kind.

    Yields
    ------
    tuple
        Page, kind of the model, and the fingerprint that it names.
    """
    for path in sorted(folder.glob("*.md")):
        for kind, fingerprint in sorted(named_models(path.read_text(encoding="utf-8"))):
            if models.get(kind) != fingerprint:
                yield path, kind, fingerprint
