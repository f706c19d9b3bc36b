"""Whether a synthesiser takes the voice from the cue, and only from there.

Two of the runnable probes of Stan and O'Mahony (2023): a cue of zeros, and another speaker's cue.
Those of hidden states are in :mod:`eval.probes.leakage`, those of altered cues in
:mod:`eval.probes.sweep`. All need a :class:`~eval.probes.synthesis.Synthesiser` and a judge of
voices, nothing of its inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diarspk.errors import ArgumentError
from eval.probes.judges import Judge
from eval.probes.similarity import (
    agreement,
    cosines,
    judge_all,
    profiles_of,
    real_similarities,
    unit,
)
from eval.probes.synthesis import Synthesis, Synthesiser, Voice

__all__ = ["Swap", "ZeroConditioning", "probe_swap", "probe_zero"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ZeroConditioning:
    """Voices that come of a cue of zeros.

    Attributes
    ----------
    outputs, speakers : int
        Speakers that the outputs are compared with.
    similarity : float
        Mean cosine to all of them.
    nearest_similarity : float
        Mean cosine to the nearest one.
    entropy_bits : float
        Of whom the outputs are nearest to: 0 if always the same speaker.
    entropy_share : float
        Of the largest entropy that so many outputs and speakers allow.
    commonest_share : float
        Of outputs that are nearest to the commonest nearest speaker.
    agreement : float
        Mean cosine between two outputs: 1 for one stable voice.
    found_source : float
        Share of outputs nearest, of all voices that were read, to the speaker of the content, who
        was not asked for; the compared recordings are others of that speaker. NaN where nobody
        has two.
    chance : float
        Of the latter.
    """

    outputs: int
    speakers: int
    similarity: float
    nearest_similarity: float
    entropy_bits: float
    entropy_share: float
    commonest_share: float
    agreement: float
    found_source: float
    chance: float


@dataclass(frozen=True)
class Swap:
    """The content of one speaker with the cue of another.

    Attributes
    ----------
    pairs : int
    supplied, original : float
        Mean cosine of the outputs to the speaker of the cue and to that of the content.
    nearer_supplied : float
        Share nearer to the former.
    transfer : float
        How far the swap leads from the similarity to the cue's speaker that the content has with
        its own cue, 0, to that which the speaker's own content and cue have, 1. 0 where nothing
        sounds like its speaker.
    same, different : float
        Mean cosine of real recordings to their own speaker's others, and to other speakers: what
        the figures above can be read against.
    """

    pairs: int
    supplied: float
    original: float
    nearer_supplied: float
    transfer: float
    same: float
    different: float


def probe_zero(
    synthesiser: Synthesiser,
    voices: Sequence[Voice],
    judge: Judge,
    profiles: Mapping[str, Vectors] | None = None,
) -> ZeroConditioning:
    """Speak every content with a cue of zeros and ask whose voice that is.

    Parameters
    ----------
    profiles : mapping, optional
        Of the speakers that the synthesiser was trained on (:func:`profiles_of`); those of the
        voices without it.
    """
    outputs = judge_all([_zero(synthesiser, voice).log_mel for voice in voices], judge)
    known = profiles_of(voices, judge) if profiles is None else profiles
    similarity = outputs @ np.stack(list(known.values())).T  # (outputs, speakers)
    counts = np.bincount(similarity.argmax(axis=1), minlength=len(known))
    shares = counts[counts > 0] / len(outputs)
    entropy = float(-(shares * np.log2(shares)).sum()) + 0.0
    largest = np.log2(min(len(outputs), len(known)))
    found, chance = _find_source(outputs, voices, judge)
    return ZeroConditioning(
        outputs=len(outputs),
        speakers=len(known),
        similarity=float(similarity.mean()),
        nearest_similarity=float(similarity.max(axis=1).mean()),
        entropy_bits=entropy,
        entropy_share=entropy / largest if largest > 0 else 0.0,
        commonest_share=float(shares.max()),
        agreement=agreement(outputs),
        found_source=found,
        chance=chance,
    )


def probe_swap(
    synthesiser: Synthesiser, voices: Sequence[Voice], judge: Judge, *, seed: int = 0
) -> Swap:
    """Speak every content with the cue of a voice drawn among those of other speakers.

    Raises
    ------
    ArgumentError
        If all voices are of one speaker.
    """
    names = np.array([voice.speaker for voice in voices])
    if len(np.unique(names)) < 2:
        raise ArgumentError("`voices` must be of two speakers at least, got one")
    random = np.random.default_rng(seed)
    partner = np.array([random.choice(np.flatnonzero(names != name)) for name in names])
    profiles = profiles_of(voices, judge)
    own = np.stack([profiles[name] for name in names])
    swapped = judge_all(
        [
            synthesiser.synthesise(voice.content, voices[other].cue).log_mel
            for voice, other in zip(voices, partner, strict=True)
        ],
        judge,
    )
    with_own_cue = judge_all(
        [synthesiser.synthesise(v.content, v.cue).log_mel for v in voices], judge
    )
    supplied, original = cosines(swapped, own[partner]), cosines(swapped, own)
    least, most = (
        cosines(with_own_cue, own[partner]).mean(),
        cosines(with_own_cue, own)[partner].mean(),
    )
    same, different = real_similarities(voices, judge)
    span = float(most - least)
    return Swap(
        pairs=len(voices),
        supplied=float(supplied.mean()),
        original=float(original.mean()),
        nearer_supplied=float((supplied > original).mean()),
        transfer=float(supplied.mean() - least) / span if span > 1e-6 else 0.0,
        same=same,
        different=different,
    )


def _zero(synthesiser: Synthesiser, voice: Voice) -> Synthesis:
    return synthesiser.synthesise(voice.content, np.zeros_like(voice.cue))


def _find_source(outputs: Vectors, voices: Sequence[Voice], judge: Judge) -> tuple[float, float]:
    """Share of outputs nearest to the speaker of their content, and chance."""
    vectors = judge_all([voice.log_mel for voice in voices], judge)
    names = np.array([voice.speaker for voice in voices])
    people = np.unique(names)
    right = []
    for row, name in enumerate(names):
        if (names == name).sum() < 2:
            continue
        others = np.arange(len(names)) != row
        means = [unit(vectors[(names == one) & others].mean(axis=0)) for one in people]
        right.append(people[int((np.stack(means) @ outputs[row]).argmax())] == name)
    chance = 1 / len(people)
    return (float(np.mean(right)) if right else float("nan")), chance
