"""Which hypothesis is scored against which reference, and where."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from os import PathLike
from typing import Literal, TypeAlias, TypeVar
from unicodedata import normalize

from pyannote.core import Annotation, Timeline

from diarspk.errors import ArgumentError, ScoringWarning
from diarspk.formats import read_rttm, read_uem

__all__ = ["Annotations", "Pair", "Pairing", "Regions", "pair_files"]

Path: TypeAlias = "str | PathLike[str]"
Annotations: TypeAlias = "Path | Annotation | Mapping[str, Annotation]"
Regions: TypeAlias = "Path | Timeline | Mapping[str, Timeline]"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Pair:
    """One file: reference, hypothesis, and the regions to score."""

    reference: Annotation
    hypothesis: Annotation
    uem: Timeline


@dataclass(frozen=True)
class Pairing:
    """Pairs by file id, files the hypothesis lacks, and files left out."""

    pairs: Mapping[str, Pair]
    missing: tuple[str, ...]
    unscored: tuple[str, ...]


def pair_files(
    reference: Annotations,
    hypothesis: Annotations,
    uem: Regions | None = None,
    *,
    extent: Literal["reference", "both"] = "both",
) -> Pairing:
    """Match files by id, warning of every one that has no counterpart.

    Without a UEM a file is scored over the ``extent`` of its reference, or of both sides.
    """
    references, hypotheses = _by_file(reference), _by_file(hypothesis)
    is_object = isinstance(reference, Annotation) or isinstance(hypothesis, Annotation)
    if is_object and len(references) == len(hypotheses) == 1:
        hypotheses = dict(zip(references, hypotheses.values(), strict=True))
    if not references:  # no speech in any file, so none is named
        references = {name: Annotation(uri=name) for name in hypotheses}
    regions = None if uem is None else _regions(uem, references)
    scored = [name for name in references if regions is None or name in regions]
    missing = tuple(name for name in scored if name not in hypotheses)
    outside = tuple(name for name in references if name not in scored)
    extra = tuple(name for name in hypotheses if name not in references)
    _warn(missing, f"missing in the hypothesis (it holds {_listed(hypotheses)}), counted as missed")
    _warn(outside, "not in the UEM, so not scored")
    _warn(extra, "not in the reference, so not scored")
    pairs = {}
    for name in scored:
        found = hypotheses.get(name, Annotation(uri=name))
        sides = [references[name], found][: 2 if extent == "both" else 1]
        region = _extent(sides) if regions is None else regions[name].support()
        pairs[name] = Pair(references[name], found, region)
    return Pairing(pairs, missing, outside + extra)


def _by_file(annotations: Annotations) -> dict[str, Annotation]:
    if isinstance(annotations, Annotation):
        return _composed({str(annotations.uri or "audio"): annotations})
    if isinstance(annotations, Mapping):
        return _composed(annotations)
    if isinstance(annotations, str | PathLike):
        return _composed(read_rttm(os.fspath(annotations)))
    raise ArgumentError(
        "`reference` and `hypothesis` must be a path, an Annotation, or a dict of them by file "
        f"id, got {type(annotations).__name__}"
    )


def _regions(uem: Regions, references: Mapping[str, Annotation]) -> dict[str, Timeline]:
    if isinstance(uem, Timeline):
        if len(references) > 1:
            raise ArgumentError(
                f"`uem` must be a path or a dict by file id for {len(references)} files, "
                "got a Timeline"
            )
        return dict.fromkeys(references, uem)
    regions = _composed(uem if isinstance(uem, Mapping) else read_uem(uem))
    if references and not regions.keys() & references.keys():
        raise ArgumentError(
            f"`uem` must name a file of the reference ({_listed(references)}), "
            f"got {_listed(regions)}"
        )
    return regions


def _composed(values: Mapping[str, Value]) -> dict[str, Value]:
    """Compose the keys' accents: file systems differ in how they write one name."""
    return {normalize("NFC", name): value for name, value in values.items()}


def _extent(annotations: Sequence[Annotation]) -> Timeline:
    """From the first start to the last end, as scoring tools have it without a UEM."""
    extents = [annotation.get_timeline().extent() for annotation in annotations]
    spoken = [extent for extent in extents if extent]
    return Timeline([reduce(or_, spoken)] if spoken else [])


def _warn(names: tuple[str, ...], consequence: str) -> None:
    if names:
        warnings.warn(f"{_listed(names)}: {consequence}", ScoringWarning, stacklevel=4)


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "no file"
