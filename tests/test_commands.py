"""Every command that a text names explains itself, and has the options that the text gives it."""

from __future__ import annotations

import io
import re
import runpy
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from diarspk.cli import app
from tests.paths import ROOT

TEXTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "site" for part in path.relative_to(ROOT).parts)
)
COMMAND = re.compile(r"python -m ((?:eval|recipes|tse)(?:\.\w+)*)([^`\n|>]*)")
FORWARDED = {
    "recipes.extraction.study": "recipes.extraction.train",
    "recipes.extraction.encoder_study": "recipes.extraction.train",
}
"""Modules that pass options on to another one."""

OPTION = re.compile(r"(?<!\S)--[a-z][a-z0-9-]*")


def named_commands() -> dict[str, list[str]]:
    """Modules that texts run, each with what follows it in every place."""
    found: dict[str, list[str]] = {}
    for path in TEXTS:
        text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
        for match in COMMAND.finditer(text):
            found.setdefault(match[1], []).append(match[2])
    return found


NAMED = named_commands()


@cache
def help_of(module: str, *words: str) -> str:
    """Run a module in this process as ``python -m module words --help`` and return its output."""
    output, before = io.StringIO(), sys.argv
    sys.argv = [module, *words, "--help"]
    try:
        with redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the module may be imported already
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        assert stop.code in (0, None), f"{module} --help exits with {stop.code}"
    else:
        raise AssertionError(f"{module} does not stop at --help")
    finally:
        sys.argv = before
    return output.getvalue()


def test_the_texts_name_commands_of_both_folders() -> None:
    assert {module.split(".")[0] for module in NAMED} >= {"eval", "recipes"}
    assert len(NAMED) > 40


@pytest.mark.parametrize("module", sorted(NAMED))
def test_a_module_explains_itself_and_has_the_options_that_texts_give_it(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    explained = help_of(module)
    assert "usage" in explained.lower()
    for arguments in NAMED[module]:
        known = explained
        word = re.match(r" +([a-z][a-z-]*)", arguments)
        if word and re.search(rf"(?m)^ +{word[1]} |{{(.*,)?{word[1]}[,}}]", explained):
            known += help_of(module, word[1])  # a command of several
        if module in FORWARDED:
            known += help_of(FORWARDED[module])
        missing = [option for option in OPTION.findall(arguments) if option not in known]
        assert not missing, f"python -m {module}{arguments}: no {', '.join(missing)}"


def paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Walk the commands of ``diarspk``, groups among them."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from paths(below, (*path, name))


@pytest.mark.parametrize("path", list(paths(typer.main.get_command(app))), ids=" ".join)
def test_a_command_of_diarspk_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Usage" in result.stdout
