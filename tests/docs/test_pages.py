"""What the README and the site tell a reader to type is right."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from diarspk.cli import app

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "eval/README.md")),
    *sorted(ROOT.glob("recipes/*/README.md")),
    *sorted(page for page in ROOT.glob("docs/**/*.md") if page.parent != REFERENCE),
]
LINKED = [
    *PAGES,
    *(ROOT / name for name in ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "SECURITY.md")),
    *sorted(ROOT.glob("*/assets/*.md")),
    *sorted(ROOT.glob("examples/*.md")),
    *sorted(ROOT.glob("eval/results/**/*.md")),
]
EXECUTED = [page for page in PAGES if page.parent == ROOT or ROOT / "docs" in page.parents]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOOLS = {"cp", "curl", "docker", "git", "lhotse", "pip", "python3", "source", "uv"}
"""Programs besides ours that a block may call."""
KEYWORDS = {"for", "done"}
"""Lines of the shell's loops that hold no command."""
GROUPS = {"diarspk.commands", "diarspk.server.routes", "diarspk.mcp.tools"}
"""Groups of entry points, not modules."""


@dataclass(frozen=True)
class Block:
    """Fenced code of a page, and the line on which it begins."""

    language: str
    code: str
    line: int


def read_blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [p for p in EXECUTED if any(b.language == "python" for b in read_blocks(p))], ids=name
)
@pytest.mark.usefixtures("workspace")
def test_the_python_blocks_of_a_page_run_one_after_another(page: Path) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in read_blocks(page):
        if block.language == "python":
            padded = "\n" * (block.line - 1) + block.code  # tracebacks name the page's lines
            exec(compile(padded, str(page), "exec"), names)


def shell_commands(page: Path) -> Iterator[list[str]]:
    """Commands of the shell blocks and the terminal transcripts of a page, one by one."""
    for block in read_blocks(page):
        if block.language in {"sh", "console"}:
            lines = block.code.replace("\\\n", " ").splitlines()
            if block.language == "console":
                lines = [line[2:] for line in lines if line.startswith("$ ")]
            for line in lines:
                words = shlex.split(line, comments=True)
                for end, word in enumerate([*words, ">"]):
                    if word in {">", "&&", "|", "2>"}:
                        yield words[:end]
                        break


@pytest.mark.parametrize("page", [p for p in PAGES if any(shell_commands(p))], ids=name)
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    for words in shell_commands(page):
        while words and "=" in words[0]:
            del words[0]
        if not words or words[0] in KEYWORDS:
            continue
        program, *arguments = words
        if program == "diarspk":
            check_options(arguments)
        elif program == "python" and arguments[0] == "-m":
            assert find_spec(arguments[1]) is not None, f"no module {arguments[1]}"
        elif program == "python" or program.startswith("."):
            script = program if program.startswith(".") else arguments[0]
            assert (ROOT / script).exists(), f"no file {script}"
        else:
            assert program in TOOLS, f"{program}: what is that?"


def check_options(arguments: list[str]) -> None:
    """Follow the commands of ``diarspk`` by name, and look up every option of the last one."""
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"diarspk has no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    known = {"--help"}
    for parameter in command.params:
        known.update(parameter.opts, parameter.secondary_opts)
    unknown = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    assert set(unknown) <= known, f"{' '.join(arguments)}: no option {set(unknown) - known}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    """In code font, paths of the repository and dotted names of the library."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert find_spec(module) is not None, f"{name(page)} names the module {module}"
    for code in re.findall(r"`([^`\s]+)`", text):
        if re.match(r"(diarspk|tse|eval|recipes|tests|docs|examples)/[\w/.-]*$", code):
            assert (ROOT / code).exists(), f"{name(page)} names {code}"
        elif re.match(r"(diarspk|tse)(\.\w+)+$", code):
            assert code in GROUPS or find(code), f"{name(page)} names {code}"


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/pictures/*.svg")), ids=name)
def test_every_file_that_a_picture_names_exists(picture: Path) -> None:
    for file in re.findall(r"\b[\w/]+\.py\b", picture.read_text(encoding="utf-8")):
        assert (ROOT / "diarspk" / file).exists(), f"{picture.name} shows {file}"


@pytest.mark.parametrize("page", LINKED, ids=name)
def test_every_relative_link_of_a_page_leads_to_a_file(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file = target.partition("#")[0]
        if file and "://" not in file:
            assert (page.parent / file).exists(), f"{name(page)} links {target}"


def find(dotted: str) -> bool:
    """Whether a dotted name leads to something: a module, or what is in it."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            if not hasattr(found, attribute):
                return attribute in getattr(found, "__annotations__", {})
            found = getattr(found, attribute)
        return True
    return False
