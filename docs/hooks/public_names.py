"""The API reference out of the ``__all__`` of every package, so that it cannot go stale.

A page holds the comment ``<!-- names: PACKAGE -->``; in its place stands every public name of that
package. A name that several packages export is documented with the first of them, and the pages of
the others link to it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_origin

REFERENCE = Path(__file__).parents[1] / "reference"
COMMENT = re.compile(r"<!-- names: ([\w.]+) -->")
ROOTS = ("diarspk", "tse")


def public_packages() -> list[str]:
    """List the two roots, every package inside them that exports names, and modules with a page."""
    inside = [
        module.name
        for root in ROOTS
        for module in pkgutil.walk_packages(importlib.import_module(root).__path__, f"{root}.")
        if module.ispkg
    ]
    pages = [page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.md"))]
    paged = [name for page in pages for name in COMMENT.findall(page)]
    return list(dict.fromkeys([*ROOTS, *filter(public_names, inside), *paged]))


def public_names(package: str) -> list[str]:
    """List what a package exports: classes and functions first, constants after them."""
    module = importlib.import_module(package)
    return sorted(getattr(module, "__all__", ()), key=lambda name: is_constant(module, name))


def is_constant(module: Any, name: str) -> bool:
    """Whether a name is neither a class nor a function."""
    value = getattr(module, name)
    alias = get_origin(value) is not None  # Python 3.10 takes list[int] for a class
    return alias or not (inspect.isclass(value) or inspect.isroutine(value))


@cache
def places() -> dict[str, str]:
    """Map each exported name to the one under which it is documented."""
    found: dict[tuple[str, int], str] = {}
    chosen = {}
    for package in public_packages():
        module = importlib.import_module(package)
        for name in public_names(package):
            exported = getattr(module, name)
            own = f"{package}.{name}"
            if hasattr(module, "__path__") and find_spec(own) is not None:
                own = f"{own}.{name}"  # griffe takes the plain name for the module of that name
            chosen[f"{package}.{name}"] = found.setdefault((name, id(exported)), own)
    return chosen


def definitions() -> dict[str, str]:
    """Map names of definitions, and exported names, to those under which they are documented."""
    found = {}
    for exported, place in places().items():
        package, _, name = exported.rpartition(".")
        value = getattr(importlib.import_module(package), name)
        module, path = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if isinstance(module, str) and isinstance(path, str):
            found[f"{module}.{path}"] = place
        found[exported] = place
    return found


def expand(markdown: str) -> str:
    """Put the names of packages in the place of comments."""
    return COMMENT.sub(lambda comment: "\n\n".join(directives(comment[1])), markdown)


def directives(package: str) -> Iterator[str]:
    """Write a directive for each name that is documented here, then links to the others."""
    own, elsewhere = [], []
    for name in public_names(package):
        place = places()[f"{package}.{name}"]
        if place in {f"{package}.{name}", f"{package}.{name}.{name}"}:
            own.append(f"::: {place}")
        else:
            elsewhere.append(f"[`{name}`][{place}]")
    yield from own
    if elsewhere:
        yield f"## Also in `{package}`"
        yield ", ".join(elsewhere) + "."
