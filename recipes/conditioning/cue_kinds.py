"""Cues of utterances for the study: of several encoders, and of several levels of one.

Every component is centred and brought to a deviation of one over the training utterances, so that
no cue is easier to read for its scale. Zeros then stand for the average of the training speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diarspk import load_encoder
from diarspk.audio import SAMPLE_RATE
from eval.embeddings.embedding_cache import load_system
from eval.embeddings.speech import Utterance
from eval.probes.synthesis import log_mel_of
from eval.systems.registry import encoder_path
from recipes.conditioning.data import PackedVoices
from recipes.conditioning.pitch import prosody_of

__all__ = [
    "LEVELS",
    "MULTI_LEVEL",
    "SPECTRUM",
    "CueTable",
    "compute_cues",
    "standardize",
    "with_cues",
]

LEVELS = ("utterance", "frame statistics", "frames", "prosody", "multi-level")
"""Of the first encoder: one vector; mean, deviation and mean step of its frame embeddings; these
themselves, in their course; pitch and energy of the utterance; vector, frames and prosody."""

MULTI_LEVEL = "multi-level"
SPECTRUM = "log-mel statistics"
"""Encoder that is none: mean and deviation of the features."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CueTable:
    """Cues of some utterances.

    Attributes
    ----------
    rows : ndarray of float32, ``(all rows, dim)``
    counts : ndarray of int, ``(n,)``, optional
        Rows of each utterance; None: one each.
    fingerprint : str
        Of the encoder.
    """

    rows: Vectors
    counts: NDArray[np.int64] | None
    fingerprint: str

    def cue(self, number: int) -> Vectors:
        """Cue ``(dim,)`` or ``(rows, dim)`` of one utterance."""
        if self.counts is None:
            return self.rows[number]
        end = int(self.counts[: number + 1].sum())
        return self.rows[end - int(self.counts[number]) : end]


def compute_cues(
    utterances: Sequence[Utterance], voices: PackedVoices, encoders: Sequence[str]
) -> dict[str, CueTable]:
    """Compute the cues of every encoder, and those of :data:`LEVELS` of the first one.

    Parameters
    ----------
    utterances
        In the order of ``voices``.
    voices
        Features and pitch of the utterances.
    encoders
        Names as :func:`eval.embeddings.embedding_cache.load_system` takes them, or
        :data:`SPECTRUM`.

    Raises
    ------
    ArgumentError, ModelError
        If an encoder cannot be loaded.
    """
    tables = {name: _of_encoder(name, utterances) for name in encoders}
    first = encoders[0]
    encoder = load_encoder(None if first == "diarspk" else encoder_path(first))
    sequences = [
        encoder.embed_frames(one.waveform, SAMPLE_RATE).data.astype(np.float32)
        for one in utterances
    ]
    fingerprint = tables[first].fingerprint
    prosody = np.stack(
        [
            prosody_of(voices.pitch_of(number), voices.utterance(number))
            for number in range(len(utterances))
        ]
    )
    counts = np.array([len(one) for one in sequences], np.int64)
    frames = np.concatenate(sequences)
    whole = np.concatenate([tables[first].rows, prosody], axis=1).repeat(counts, axis=0)
    return tables | {
        "utterance": tables[first],
        "frame statistics": CueTable(np.stack([*map(_statistics, sequences)]), None, fingerprint),
        "frames": CueTable(frames, counts, fingerprint),
        "prosody": CueTable(prosody, None, ""),
        MULTI_LEVEL: CueTable(np.concatenate([frames, whole], axis=1), counts, fingerprint),
    }


def standardize(train: CueTable, others: Sequence[CueTable]) -> list[CueTable]:
    """Centre and scale tables by the rows of the first: that one, then the others."""
    mean, spread = train.rows.mean(axis=0), train.rows.std(axis=0)
    scale = np.where(spread > 1e-6, spread, 1)
    return [
        replace(one, rows=((one.rows - mean) / scale).astype(np.float32))
        for one in (train, *others)
    ]


def with_cues(voices: PackedVoices, name: str, table: CueTable) -> PackedVoices:
    """Voices with these cues."""
    return replace(
        voices,
        cues=table.rows,
        cue_rows=table.counts,
        encoder=name,
        fingerprint=table.fingerprint,
    )


def _of_encoder(name: str, utterances: Sequence[Utterance]) -> CueTable:
    embed: Callable[[list[Vectors]], Vectors]
    if name == SPECTRUM:
        embed, fingerprint = _spectra, ""
    else:
        embed, space = load_system(name)
        fingerprint = name if space is None else space.fingerprint
    vectors = [np.asarray(embed([one.waveform])[0], np.float32) for one in utterances]
    return CueTable(np.stack(vectors), None, fingerprint)


def _spectra(waveforms: list[Vectors]) -> Vectors:
    features = [log_mel_of(one) for one in waveforms]
    return np.stack([np.concatenate([one.mean(axis=0), one.std(axis=0)]) for one in features])


def _statistics(frames: Vectors) -> Vectors:
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=0) if len(frames) > 1 else 0 * frames[0]
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0), steps])
