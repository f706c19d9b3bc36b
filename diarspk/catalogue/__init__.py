"""Catalogue of public checkpoints: where each is, its licence, and how it gets here.

Nothing is downloaded but what a user names, and no code of a package or a checkpoint is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.catalogue.entry import (
        CatalogueEntry,
        CatalogueFile,
        HubSource,
        ModelScopeSource,
        Published,
        WheelSource,
    )
    from diarspk.catalogue.fetching import download_models, find_model
    from diarspk.catalogue.presets import EMBEDDED, PRESETS, Preset
    from diarspk.catalogue.reading import find_entry, read_catalogue

__all__ = [
    "EMBEDDED",
    "PRESETS",
    "CatalogueEntry",
    "CatalogueFile",
    "HubSource",
    "ModelScopeSource",
    "Preset",
    "Published",
    "WheelSource",
    "download_models",
    "find_entry",
    "find_model",
    "read_catalogue",
]

_HOMES = {
    "EMBEDDED": "diarspk.catalogue.presets",
    "PRESETS": "diarspk.catalogue.presets",
    "CatalogueEntry": "diarspk.catalogue.entry",
    "CatalogueFile": "diarspk.catalogue.entry",
    "HubSource": "diarspk.catalogue.entry",
    "ModelScopeSource": "diarspk.catalogue.entry",
    "Preset": "diarspk.catalogue.presets",
    "Published": "diarspk.catalogue.entry",
    "WheelSource": "diarspk.catalogue.entry",
    "download_models": "diarspk.catalogue.fetching",
    "find_entry": "diarspk.catalogue.reading",
    "find_model": "diarspk.catalogue.fetching",
    "read_catalogue": "diarspk.catalogue.reading",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
