"""Kinds of teacher embeddings: single ones, and concatenations such as ``utterance+wide-bn``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.embeddings.unit_vectors import normalize_rows
from diarspk.errors import ArgumentError
from recipes.xvector_distillation.layer_activations import Levels

__all__ = ["AGGREGATED", "UTTERANCE", "Kind", "default_kinds", "join_parts", "parse_kind"]

UTTERANCE = "utterance"
AGGREGATED = ("statistics", "dictionary")
"""Several layers pooled together: SP and LDE."""

NARROW, WIDE = "narrow-bn", "wide-bn"
SINGLE = (UTTERANCE, NARROW, WIDE, *AGGREGATED)
CONCATENATED = (
    "utterance+narrow-bn",
    "utterance+wide-bn",
    "narrow-bn+wide-bn",
    "utterance+narrow-bn+wide-bn",
    "utterance+narrow-bn+wide-bn+statistics+dictionary",
)


@dataclass(frozen=True)
class Kind:
    """Kind of embedding that a student is trained towards.

    Attributes
    ----------
    name : str
    sources : tuple of str
        ``utterance``, ``statistics``, ``dictionary``, or the name of a layer; more than one where
        embeddings are concatenated.
    """

    name: str
    sources: tuple[str, ...]

    @property
    def layer(self) -> str | None:
        """The layer whose frames are the targets; None where whole utterances have targets."""
        (first, *others) = self.sources
        return None if others or first in (UTTERANCE, *AGGREGATED) else first


def parse_kind(name: str, levels: Levels) -> Kind:
    """Read the name of a kind: the names of single ones or of layers, joined by ``+``.

    Raises
    ------
    ArgumentError
        If a part is not known, or comes twice.
    """
    sources = {part: part for part in (UTTERANCE, *AGGREGATED, *levels.layers)}
    sources |= {NARROW: levels.narrow, WIDE: levels.wide}
    parts = name.split("+")
    for part in parts:
        if part not in sources:
            raise ArgumentError(
                f"`kind` must be made of {', '.join(sources)}, joined by +, got {name!r}"
            )
    found = tuple(sources[part] for part in parts)
    if len(set(found)) < len(found):
        raise ArgumentError(f"`kind` must name each part once, got {name!r}")
    return Kind(name, found)


def default_kinds(levels: Levels) -> tuple[str, ...]:
    """Names of the paper's kinds, and of the layers that none of them is."""
    others = [name for name in levels.layers if name not in (levels.narrow, levels.wide)]
    return (*SINGLE, *CONCATENATED, *others)


def join_parts(parts: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Concatenate embeddings, each brought to length one so that none outweighs the others.

    Shape
    -----
    ``(..., dim)`` each -> ``(..., sum of dim)``
    """
    scaled = [normalize_rows(part.astype(np.float32)) for part in parts]
    return np.concatenate(scaled, axis=-1)
