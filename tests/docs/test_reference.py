"""The API reference has every public name once, under a name that a reader can import."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT / "docs" / "hooks"))
names: ModuleType = importlib.import_module("public_names")
sys.path.remove(str(ROOT / "docs" / "hooks"))

PAGES = sorted(REFERENCE.glob("*.md"))
DOCUMENTED = [
    name
    for page in PAGES
    for name in re.findall(
        r"^::: (\S+)", names.expand(page.read_text(encoding="utf-8")), re.MULTILINE
    )
]


def split(dotted: str) -> tuple[ModuleType, str]:
    package, _, public = dotted.rpartition(".")
    return importlib.import_module(package), public


def exported(dotted: str) -> object:
    return getattr(*split(dotted))


@pytest.mark.parametrize("package", names.public_packages())
def test_every_public_name_of_a_package_is_in_the_reference(package: str) -> None:
    shown = {(name.rpartition(".")[2], id(exported(name))) for name in DOCUMENTED}
    public = importlib.import_module(package).__all__
    missing = [name for name in public if (name, id(exported(f"{package}.{name}"))) not in shown]
    assert not missing, f"docs/reference/ needs a page with <!-- names: {package} -->"


@pytest.mark.parametrize("package", names.public_packages())
def test_no_public_name_is_hidden_by_a_module_of_that_name(package: str) -> None:
    """Importing `package.name` rebinds `package.name`, so that a lazy name there is lost."""
    module = importlib.import_module(package)
    for name in module.__all__:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"{package}.{name}")
    assert [name for name in module.__all__ if inspect.ismodule(getattr(module, name))] == []


def test_every_name_stands_there_once() -> None:
    assert [name for name, times in Counter(DOCUMENTED).items() if times > 1] == []


def test_every_public_class_and_function_has_a_docstring() -> None:
    silent = [
        name
        for name in DOCUMENTED
        if not names.is_constant(*split(name)) and not exported(name).__doc__
    ]
    assert silent == []


def test_every_page_of_the_reference_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    missing = [page.name for page in PAGES if f"reference/{page.name}" not in navigation]
    assert not missing
