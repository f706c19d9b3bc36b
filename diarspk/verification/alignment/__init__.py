"""Alignment of embedding spaces, so that one encoder enrolls and another verifies (NESSA).

"NESSA" (arXiv 2401.12440) keeps the enrolled profiles of an old encoder useful beside a new one:
a light network, trained on pairs of embeddings of the same utterances, maps one space into the
other or both into a new one.

============================  =================================================================
:class:`MlpAlignment`         M1 (run time into the enrolment space) and M2 (the other way round)
:class:`JointAlignment`       M3: both into a new space
:class:`LogitAlignment`       the baseline: similarities to speakers that both know
:class:`LinearAlignment`      controls: orthogonal Procrustes and least squares
============================  =================================================================

All have ``fit(enrolment, runtime, speakers)`` and ``transform(vectors, side=...)``.
"""

from diarspk.verification.alignment.alignment import Alignment, Side, SpaceMap
from diarspk.verification.alignment.baselines import LinearAlignment, LogitAlignment
from diarspk.verification.alignment.methods import (
    METHODS,
    make_alignment,
    read_alignment,
    write_alignment,
)
from diarspk.verification.alignment.neural import JointAlignment, MlpAlignment
from diarspk.verification.alignment.training import TrainingConfig

__all__ = [
    "METHODS",
    "Alignment",
    "JointAlignment",
    "LinearAlignment",
    "LogitAlignment",
    "MlpAlignment",
    "Side",
    "SpaceMap",
    "TrainingConfig",
    "make_alignment",
    "read_alignment",
    "write_alignment",
]
