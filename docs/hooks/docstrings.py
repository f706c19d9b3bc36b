"""Docstrings as Markdown: the library writes Sphinx roles, mkdocstrings reads Markdown.

A role whose target has a place in the reference becomes a link, any other becomes code, so that
``mkdocs build --strict`` finds no reference that leads nowhere.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))  # griffe loads this file by its path

from public_names import definitions

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc|obj):`(~?)([\w.]+)`")


class MarkdownDocstrings(griffe.Extension):
    """Rewrite every docstring before it is parsed."""

    def __init__(self) -> None:
        """Learn which definitions have a place in the reference, and under which name."""
        self._places = definitions()

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Convert the docstring of an object, once griffe has read it."""
        if obj.docstring is not None:
            obj.docstring.value = self.convert(obj.docstring.value, obj)

    def convert(self, text: str, owner: griffe.Object) -> str:
        """Turn roles into links or code, and the ``::`` of literal blocks into a colon."""
        text = ROLE.sub(lambda role: self._link(role, owner), text)
        text = re.sub(r"^(\s*)::[ ]*$", r"\1", text, flags=re.MULTILINE)
        return re.sub(r"(\S)::[ ]*$", r"\1:", text, flags=re.MULTILINE)

    def _link(self, role: re.Match[str], owner: griffe.Object) -> str:
        target = role[2]
        shown = target.rpartition(".")[2] if role[1] else target
        place = self._find_place(target, owner)
        return f"`{shown}`" if place is None else f"[`{shown}`][{place}]"

    def _find_place(self, target: str, owner: griffe.Object) -> str | None:
        """Resolve a target from the inside out: a member, a neighbour, then an absolute name."""
        scope: griffe.Object | None = owner
        candidates = []
        while scope is not None and not scope.is_module:
            candidates.append(f"{scope.canonical_path}.{target}")
            scope = scope.parent
        for candidate in [*candidates, f"{owner.module.canonical_path}.{target}", target]:
            definition, _, member = candidate.rpartition(".")
            if candidate in self._places:
                return self._places[candidate]
            if definition in self._places and is_own_member(definition, member):
                return f"{self._places[definition]}.{member}"
        return None


def is_own_member(name: str, member: str) -> bool:
    """Whether a class defines a public member with a docstring, as the reference shows no other."""
    own = getattr(find_object(name), "__dict__", {})
    public = not member.startswith("_") or member == "__call__"
    return public and bool(getattr(own.get(member), "__doc__", None))


def find_object(name: str) -> Any:
    """Import the object of a dotted name: the longest importable module, then attributes."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            found = getattr(found, attribute)
        return found
    raise ModuleNotFoundError(f"no module of {name} can be imported")
