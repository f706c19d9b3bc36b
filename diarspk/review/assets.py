"""The page's own files: HTML, style sheet, modules. Nothing else is ever served."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["asset_names", "media_type", "read_asset"]

FOLDER = Path(__file__).parent / "static"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def asset_names() -> tuple[str, ...]:
    """List the files by name."""
    return tuple(sorted(path.name for path in FOLDER.iterdir() if path.suffix in TYPES))


def media_type(name: str) -> str:
    """Media type of a file by its suffix."""
    return TYPES[Path(name).suffix]


def read_asset(name: str) -> str:
    """Read a file of :func:`asset_names`.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    if name not in asset_names():
        raise KeyError(name)
    return (FOLDER / name).read_text(encoding="utf-8")
