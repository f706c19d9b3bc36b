"""Reading of the catalogue, which is a JSON file of this package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from diarspk.catalogue.entry import (
    CatalogueEntry,
    CatalogueFile,
    HubSource,
    ModelScopeSource,
    Published,
    WheelSource,
)

__all__ = ["find_entry", "read_catalogue"]


@cache
def read_catalogue() -> Mapping[str, CatalogueEntry]:
    """Read the entries by name, in the order of the file: by task, then by project."""
    text = (files("diarspk.catalogue") / "models.json").read_text(encoding="utf-8")
    return {entry.name: entry for entry in map(_read_entry, json.loads(text))}


def find_entry(name: object) -> CatalogueEntry | None:
    """Find the entry of a name, or of a repository of the hub; None where there is none."""
    if not isinstance(name, str):
        return None
    catalogue = read_catalogue()
    of_repository = (
        entry
        for entry in catalogue.values()
        if isinstance(entry.source, HubSource) and entry.source.repository == name
    )
    return catalogue.get(name) or next(of_repository, None)


def _read_entry(stored: dict[str, Any]) -> CatalogueEntry:
    facts = dict(stored)
    published = facts.pop("published")
    return CatalogueEntry(
        source=_read_source(facts.pop("source")),
        files=tuple(CatalogueFile(name, **file) for name, file in facts.pop("files").items()),
        published=None if published is None else Published(**published),
        **facts,
    )


def _read_source(stored: dict[str, Any]) -> HubSource | WheelSource | ModelScopeSource:
    facts = dict(stored)
    if "wheel" in facts:
        return WheelSource(facts.pop("wheel"), **facts)
    kind = HubSource if "hub" in facts else ModelScopeSource
    return kind(facts["hub" if kind is HubSource else "modelscope"], facts["revision"])
