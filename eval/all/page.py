"""A page of results, and the commands that measure what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PLACES", "Model", "Page", "Step"]

Model = Literal["encoder", "extractor"]

PLACES = {
    "speech": "{data}/speech",
    "simulated": "{data}/conversations/simulated",
    "sets": "{data}/conversations/ami {data}/conversations/simulated",
    "new": "{work}/new",
    "annotators": "{work}/annotators",
    "passes": "{work}/passes",
    "vectors": "{work}/vectors",
}
"""Short names of folders in commands."""


@dataclass(frozen=True)
class Step:
    """A command of a page; what it prints is a part of the page.

    Parameters
    ----------
    command
        Words after ``python -m``. ``{data}`` is the folder of the data, ``{work}`` one that all
        pages share, ``{page}`` where the pictures of this page lie, ``{json:STEP}`` the figures of
        an earlier step; :data:`PLACES` has more.
    name
        Name by which later steps find its figures, written with ``--json``. Empty: it has none.
    silent
        It prepares something, and what it prints is no part of the page.
    """

    command: str
    name: str = ""
    silent: bool = False


@dataclass(frozen=True)
class Page:
    """A page of results.

    Parameters
    ----------
    name
        Of the file, without ``.md``.
    title
        Heading.
    steps
        Commands, in their order.
    minutes
        Rough time of all of them on two idle cores.
    models
        What the figures belong to; nothing for those of libraries and conventions.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    minutes: float
    models: tuple[Model, ...] = ("encoder",)
