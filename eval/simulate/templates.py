"""Turn-taking of real conversations, cut out of their reference annotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from eval.simulate.settings import SimulationConfig

__all__ = ["Stretch", "cut_stretch", "draw_stretch", "match_stretch", "read_templates"]

TRIES = 1000


@dataclass(frozen=True, eq=False)
class Stretch:
    """Part of an annotation.

    Attributes
    ----------
    turns : pyannote.core.Annotation
        Turns, in seconds from the start of the stretch.
    source : pyannote.core.Annotation
        All of the annotation.
    begin : float
        Start of the stretch there, in seconds.
    """

    turns: Annotation
    source: Annotation
    begin: float


def read_templates(folder: Path, names: Sequence[str], *, seconds: float) -> list[list[Annotation]]:
    """Read the annotations of each set that are long enough for a stretch of ``seconds``.

    Parameters
    ----------
    folder : Path
        Holds ``CORPUS/SPLIT/*.rttm``; the name of a set is ``CORPUS-SPLIT``.

    Raises
    ------
    ArgumentError
        If there is no set of a name, or nothing in it is long enough.
    """
    known = {f"{path.parent.parent.name}-{path.parent.name}" for path in folder.glob("*/*/*.rttm")}
    sets = []
    for name in names:
        if name not in known:
            raise ArgumentError(
                f"`templates` must be among {', '.join(sorted(known)) or 'the sets'} of {folder}, "
                f"got {name!r}"
            )
        found = [
            annotation
            for path in sorted(folder.glob("*/*/*.rttm"))
            if f"{path.parent.parent.name}-{path.parent.name}" == name
            for annotation in read_rttm(path).values()
        ]
        long_enough = [one for one in found if _end(one) >= seconds]
        if not long_enough:
            longest = max(map(_end, found), default=0.0)
            raise ArgumentError(
                f"`seconds` must be at most {longest:.1f}, the longest of {name}, got {seconds:g}"
            )
        sets.append(long_enough)
    return sets


def draw_stretch(
    templates: Sequence[Sequence[Annotation]],
    config: SimulationConfig,
    generator: np.random.Generator,
) -> Stretch:
    """Cut a random stretch out of a random annotation of a random set.

    Raises
    ------
    ArgumentError
        If no stretch with as many speakers as were drawn turns up.
    """
    alone = generator.random() < config.single_speaker_probability
    allowed = (1, 1) if alone else (2, config.most_speakers)
    for _ in range(TRIES):
        annotations = templates[int(generator.integers(len(templates)))]
        annotation = annotations[int(generator.integers(len(annotations)))]
        begin = generator.uniform(0, _end(annotation) - config.seconds)
        stretch = cut_stretch(annotation, begin, config)
        if allowed[0] <= len(stretch.labels()) <= allowed[1]:
            return Stretch(stretch, annotation, begin)
    wanted = "one speaker" if alone else f"2 to {config.most_speakers} speakers"
    raise ArgumentError(
        f"`templates` must have stretches of {config.seconds:g} s with {wanted}, got none in "
        f"{TRIES} draws"
    )


def cut_stretch(annotation: Annotation, begin: float, config: SimulationConfig) -> Annotation:
    """Cut turns to ``begin`` and ``begin + config.seconds``, in whole milliseconds from there.

    Turns of one speaker that overlap or touch are joined.
    """
    inside = annotation.crop(Segment(begin, begin + config.seconds), mode="intersection")
    stretch = Annotation()
    for name in inside.labels():
        turns = [
            Segment(round(turn.start - begin, 3), round(turn.end - begin, 3))
            for turn in inside.label_timeline(name).support()
            if turn.duration >= config.shortest_turn_s
        ]
        if sum(turn.duration for turn in turns) >= config.least_talk_s:
            for turn in turns:
                stretch[turn, name] = name
    return stretch


def match_stretch(annotation: Annotation, stretch: Stretch, config: SimulationConfig) -> Annotation:
    """Cut a stretch out of another annotation of the same recording, under the same names.

    Names may differ between annotations: whoever an annotation names is the one who talks most at
    the same time in the other. Who is left out of the stretch is left out here.
    """
    people = stretch.source.labels()
    talk = {name: stretch.source.label_timeline(name).support() for name in people}
    names = {
        label: max(people, key=lambda name: spoken.crop(talk[name]).duration())
        for label in annotation.labels()
        for spoken in [annotation.label_timeline(label).support()]
    }
    everything = replace(config, least_talk_s=0.0, shortest_turn_s=0.0)
    cut = cut_stretch(annotation.rename_labels(names), stretch.begin, everything)
    return cut.subset(stretch.turns.labels())


def _end(annotation: Annotation) -> float:
    return float(annotation.get_timeline(copy=False).extent().end)
