"""Diarization and Jaccard error rates of a hypothesis against its reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from pyannote.core import Annotation

from diarspk.arguments import check_flag, check_number
from diarspk.errors import ScoringWarning
from diarspk.metrics.comparison import compare
from diarspk.metrics.conventions import DEFAULT, find_convention
from diarspk.metrics.pairing import Annotations, Regions, listed, pair_files
from diarspk.metrics.reference_turns import count_reference_turns
from diarspk.metrics.scores import Scores

__all__ = ["score"]

ROUNDING = 1e-3
"""Share of speech that may be repeated by the rounding of starts and durations in a file."""


def score(
    reference: Annotations,
    hypothesis: Annotations,
    uem: Regions | None = None,
    *,
    collar: float = 0.0,
    skip_overlap: bool = False,
    convention: str = DEFAULT.name,
) -> Scores:
    """Compute DER and JER with their components, file by file.

    Parameters
    ----------
    reference, hypothesis : path of an RTTM, Annotation, or dict of Annotation by file id
        Files are matched by id; one Annotation and one other file match whatever their names.
        A file that only the reference has counts as all missed; one that only the hypothesis
        has is not scored. Where the reference has no turn at all, every file is false alarm.
    uem : path of a UEM, Timeline, or dict of Timeline by file id, optional
        Regions to score; files it does not name are not scored. Without it, a file is scored
        from the first start to the last end in reference or hypothesis (md-eval: in the
        reference).
    collar : float
        Seconds to leave out on **each** side of every reference boundary, as md-eval, dscore and
        NeMo count it; under ``convention="pyannote"`` half of it on each side, as there.
    skip_overlap : bool
        Leave out where speakers of the reference overlap.
    convention : str
        The tool whose rules hold: "md-eval", "dscore", "pyannote" or "spyder" (see
        :mod:`diarspk.metrics.conventions`); without it pyannote.metrics with the collar above.

    Returns
    -------
    Scores
        ``.pooled`` and ``.files[name]`` hold the components, ``.convention`` says what they mean,
        ``.reference_turns`` which kind of reference it is.

    Warns
    -----
    ScoringWarning
        Of files without a counterpart; of files whose reference has speech, but none in what is
        scored; and of turns of one speaker that overlap: in pyannote.metrics each of them counts.

    Raises
    ------
    ArgumentError
        If ``collar`` is negative or not finite, ``uem`` does not fit the reference, or there is
        no such convention.
    FormatError
        With file and line, if a file cannot be read.
    """
    check_number(collar, "collar", minimum=0)
    check_flag(skip_overlap, "skip_overlap")
    rules = find_convention(convention)
    pairing = pair_files(reference, hypothesis, uem, extent=rules.extent)
    if rules.by_pyannote:
        for side in ("reference", "hypothesis"):
            _warn_of_repetition(side, [getattr(pair, side) for pair in pairing.pairs.values()])
    files = {
        name: compare(pair, rules, collar=collar, skip_overlap=skip_overlap)
        for name, pair in pairing.pairs.items()
    }
    _warn_of_nothing(
        [name for name, pair in pairing.pairs.items() if pair.reference and not files[name].total]
    )
    return Scores(
        files=files,
        collar=collar,
        skip_overlap=skip_overlap,
        has_uem=uem is not None,
        missing=pairing.missing,
        unscored=pairing.unscored,
        rules=rules,
        reference_turns=count_reference_turns(pairing.pairs.values()),
    )


def _warn_of_nothing(names: Sequence[str]) -> None:
    if names:
        warnings.warn(
            f"{listed(names)}: no speech of the reference is scored (it lies outside the UEM, in "
            "collars, or in overlap that is skipped), so the rates say nothing about the result",
            ScoringWarning,
            stacklevel=3,
        )


def _warn_of_repetition(side: str, annotations: list[Annotation]) -> None:
    """Warn of speech that counts twice because a speaker overlaps with itself."""
    speech = sum(segment.duration for turns in annotations for segment, _ in turns.itertracks())
    seconds = speech - sum(length for turns in annotations for _, length in turns.chart())
    if seconds > ROUNDING * speech:
        warnings.warn(
            f"turns of one speaker overlap in the {side}: {seconds:.3f} s count more than once; "
            "join them (Annotation.support) to score each speaker once, as md-eval does",
            ScoringWarning,
            stacklevel=3,
        )
