"""Pairs of reference and hypothesis by file id, with the regions to score."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from os import PathLike
from typing import Literal, TypeAlias

from pyannote.core import Annotation, Timeline

from diarspk.errors import ArgumentError, ScoringWarning
from diarspk.formats import read_rttm, read_uem
from diarspk.formats.names import plain_name
from diarspk.formats.turns import check_annotation

__all__ = ["Annotations", "Pair", "Pairing", "Regions", "listed", "pair_files"]

Path: TypeAlias = "str | PathLike[str]"
Annotations: TypeAlias = "Path | Annotation | Mapping[str, Annotation]"
Regions: TypeAlias = "Path | Timeline | Mapping[str, Timeline]"


@dataclass(frozen=True)
class Pair:
    """Reference, hypothesis and regions to score of one file."""

    reference: Annotation
    hypothesis: Annotation
    uem: Timeline


@dataclass(frozen=True)
class Pairing:
    """Pairs by file id, files without a hypothesis, and files that are not scored."""

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
    """Pair references and hypotheses by file id, and warn of every file without a counterpart.

    Without a UEM a file is scored over the ``extent`` of its reference, or of both annotations.
    """
    references, hypotheses = _by_file(reference), _by_file(hypothesis)
    if isinstance(reference, Annotation) or isinstance(hypothesis, Annotation):
        hypotheses = _rename_single(references, hypotheses)
    if not references:  # no speech in any file, so an RTTM names none
        references = {name: Annotation(uri=name) for name in hypotheses}
    regions = None if uem is None else _regions(uem, references)
    pairs = {}
    for name in references:
        if regions is None or name in regions:
            found = hypotheses.get(name, Annotation(uri=name))
            sides = [references[name], found][: 2 if extent == "both" else 1]
            region = _extent(sides) if regions is None else regions[name].support()
            pairs[name] = Pair(references[name], found, region)
    missing = tuple(name for name in pairs if name not in hypotheses)
    outside = tuple(name for name in references if name not in pairs)
    extra = tuple(name for name in hypotheses if name not in references)
    lacking = f"missing in the hypothesis (it holds {listed(hypotheses)}), counted as missed"
    _warn(missing, lacking)
    _warn(outside, "not in the UEM, so not scored")
    _warn(extra, "not in the reference, so not scored")
    return Pairing(pairs, missing, outside + extra)


def _rename_single(
    references: Mapping[str, Annotation], hypotheses: dict[str, Annotation]
) -> dict[str, Annotation]:
    """Give one hypothesis the id of the one reference: objects match whatever their names."""
    if len(references) == len(hypotheses) == 1:
        return dict(zip(references, hypotheses.values(), strict=True))
    return hypotheses


def _by_file(annotations: Annotations) -> dict[str, Annotation]:
    if isinstance(annotations, str | PathLike):
        return read_rttm(annotations)
    if isinstance(annotations, Annotation):
        annotations = {str(annotations.uri or "audio"): annotations}
    if isinstance(annotations, Mapping):
        named: dict[str, list[Annotation]] = {}
        for name, annotation in annotations.items():
            check_annotation(annotation, f"annotation of {name}")
            named.setdefault(plain_name(name), []).append(annotation)
        return {name: _plain(name, found) for name, found in named.items()}
    raise ArgumentError(
        "`reference` and `hypothesis` must be a path, an Annotation, or a dict of them by file "
        f"id, got {type(annotations).__name__}"
    )


def _plain(name: str, annotations: Sequence[Annotation]) -> Annotation:
    """All turns of one recording, whose name and speakers may be written in several ways."""
    (first, *others) = annotations
    if not others and all(_plain_label(label) == label for label in first.labels()):
        return first
    joined = Annotation(uri=name)
    turns = (turn for one in annotations for turn in one.itertracks(yield_label=True))
    for track, (segment, _, label) in enumerate(turns):
        joined[segment, track] = _plain_label(label)
    return joined


def _plain_label(label: object) -> object:
    return plain_name(label) if isinstance(label, str) else label


def _regions(uem: Regions, references: Mapping[str, Annotation]) -> dict[str, Timeline]:
    if isinstance(uem, Timeline):
        if len(references) > 1:
            raise ArgumentError(
                f"`uem` must be a path or a dict by file id for {len(references)} files, "
                "got a Timeline"
            )
        return dict.fromkeys(references, uem)
    if not isinstance(uem, str | PathLike | Mapping):
        raise ArgumentError(
            "`uem` must be a path, a Timeline, or a dict of them by file id, got "
            f"{type(uem).__name__}"
        )
    regions: dict[str, Timeline] = {}
    for name, timeline in (uem if isinstance(uem, Mapping) else read_uem(uem)).items():
        name = plain_name(name)
        if not isinstance(timeline, Timeline):
            raise ArgumentError(f"`uem` must hold Timelines, got {type(timeline).__name__}")
        regions[name] = regions[name].union(timeline) if name in regions else timeline
    if references and not regions.keys() & references.keys():
        raise ArgumentError(
            f"`uem` must name a file of the reference ({listed(references)}), got {listed(regions)}"
        )
    return regions


def _extent(annotations: Sequence[Annotation]) -> Timeline:
    """Region from the first start to the last end: the default of scoring tools without a UEM."""
    extents = [annotation.get_timeline().extent() for annotation in annotations]
    spoken = [extent for extent in extents if extent]
    return Timeline([reduce(or_, spoken)] if spoken else [])


def _warn(names: tuple[str, ...], consequence: str) -> None:
    if names:
        warnings.warn(f"{listed(names)}: {consequence}", ScoringWarning, stacklevel=4)


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Enumerate names, the first of many."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more if names else "no file"
