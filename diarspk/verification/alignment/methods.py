"""Alignments by name, in the settings that are compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.alignment.alignment import Alignment
from diarspk.verification.alignment.linear import LinearAlignment
from diarspk.verification.alignment.logits import LogitAlignment
from diarspk.verification.alignment.neural import JointAlignment, MlpAlignment
from diarspk.verification.alignment.training import TrainingConfig

__all__ = ["METHODS", "make_alignment"]

CONTRASTIVE = TrainingConfig(loss="both")

METHODS: dict[str, Callable[[Space, Space], Alignment]] = {
    "m1": partial(MlpAlignment, toward="enrolment"),
    "m2": partial(MlpAlignment, toward="runtime"),
    "m1-contrastive": partial(MlpAlignment, toward="enrolment", training=CONTRASTIVE),
    "m2-contrastive": partial(MlpAlignment, toward="runtime", training=CONTRASTIVE),
    "m3": partial(JointAlignment, reference="runtime"),
    "m3-enrolment": partial(JointAlignment, reference="enrolment"),
    "logits": LogitAlignment,
    "logits-centred": partial(LogitAlignment, centred=True),
    "procrustes-m1": partial(LinearAlignment, toward="enrolment", kind="procrustes"),
    "procrustes-m2": partial(LinearAlignment, toward="runtime", kind="procrustes"),
    "least-squares-m1": partial(LinearAlignment, toward="enrolment", kind="least_squares"),
    "least-squares-m2": partial(LinearAlignment, toward="runtime", kind="least_squares"),
}
"""``...-m1`` maps run time into the enrolment space, ``...-m2`` the other way round; ``m3`` keeps
near the run-time space, ``m3-enrolment`` near the other."""


def make_alignment(method: str, enrolment: Space, runtime: Space) -> Alignment:
    """Make an alignment that is to be fitted.

    Raises
    ------
    ArgumentError
        If there is no such method.
    """
    if method not in METHODS:
        raise ArgumentError(f"`method` must be among {', '.join(METHODS)}, got {method!r}")
    return METHODS[method](enrolment, runtime)
