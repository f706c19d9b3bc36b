"""Identification: names for the speakers of a diarization, from a gallery of enrolled people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.diarization.result import Diarization
from diarspk.verification.gallery.gallery import Gallery

if TYPE_CHECKING:
    from diarspk.verification.gallery.identification import Identification

__all__ = ["name_speakers"]


def name_speakers(
    result: Diarization,
    gallery: Gallery,
    *,
    known_prior: float = 0.5,
    threshold: float | None = None,
) -> Diarization:
    """Replace the labels of speakers whom a gallery knows by their names.

    A name is given once: where two speakers of the recording look like the same person, the one
    with the higher score gets the name and the other keeps the label, since the diarizer has
    found them to differ. Nothing else of the diarization changes.

    Parameters
    ----------
    result : Diarization
    gallery : Gallery
        In the space of the diarizer's encoder.
    known_prior, threshold
        See :meth:`diarspk.verification.gallery.Gallery.identify`.

    Raises
    ------
    ModelError
        If the gallery is of another embedding space, or has neither a calibration nor is there a
        threshold.
    """
    answers = {
        label: gallery.identify(
            vector, fingerprint=result.fingerprint, known_prior=known_prior, threshold=threshold
        )
        for label, vector in result.speakers.items()
    }
    return result.rename(_choose(answers))


def _choose(answers: dict[str, Identification]) -> dict[str, str]:
    """Names by label, each name once, and none that another speaker keeps as its label."""
    found = [
        (answer.candidates[0].score, label, answer.speaker)
        for label, answer in answers.items()
        if answer.speaker is not None
    ]
    names: dict[str, str] = {}
    for _, label, name in sorted(found, reverse=True):
        if name not in names.values():
            names[label] = name
    while clashing := [label for label, name in names.items() if name in answers.keys() - names]:
        names = {label: name for label, name in names.items() if label not in clashing}
    return names
