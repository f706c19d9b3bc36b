"""Turn-taking of real conversations, cut out of their reference annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment

from diarspk.errors import ArgumentError
from diarspk.formats import read_rttm
from eval.simulate.settings import SimulationConfig

__all__ = ["cut_stretch", "draw_stretch", "read_templates"]

TRIES = 1000


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
) -> Annotation:
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
            return stretch
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


def _end(annotation: Annotation) -> float:
    return float(annotation.get_timeline(copy=False).extent().end)
