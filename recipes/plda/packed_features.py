"""Crops of packed training features, degraded copies among them, embedded by the embedded encoder.

A meeting is not recorded as training speech is. Copies in rooms tell the PLDA how far a voice
moves in its space from one place to another. And every training speaker has a microphone of its
own, where in a meeting all have one in common: with equal spectra, each crop is there a second
time, filtered so that its recording has the mean spectrum of all, as a second speaker's.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diarspk.encoders.local.encoder import LocalEncoder
from recipes.embedded.data.pool import FRAMES_PER_SECOND, read_pool
from recipes.embedded.data.speakers import read_speakers
from recipes.embedded.data.teacher_frames import Piece
from recipes.embedded.trunk.crop_embedding import embed_features
from recipes.plda.labelled_embeddings import Labelled

BATCH = 64
LARGEST = 5.0
"""Natural log power by which a mel bin is raised or lowered at most."""

VARIANTS = ("recorded", "room")


def embed_packed(
    encoder: LocalEncoder,
    packed: Path,
    table: Path,
    *,
    seconds: float,
    most: int,
    utterances: int = 3,
    equal_spectra: bool = False,
    seed: int = 0,
) -> Labelled:
    """Embed one random crop of each of at most ``most`` recordings of a speaker.

    Parameters
    ----------
    packed
        What ``recipes.embedded.data.prepare`` wrote for training.
    table
        Speakers of the utterances, such as ``train.tsv``; utterances that it lacks are left out.
    seconds
        Length of the crops.
    utterances
        Speakers with fewer are left out: the rooms of one utterance say too little of a voice.
    equal_spectra
        Whether each crop comes a second time, with one mean spectrum for all recordings, under
        another name.
    """
    pool, speakers = read_pool(packed, in_memory=False), read_speakers(table)
    length = round(seconds * FRAMES_PER_SECOND)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, (utterance, variant) in enumerate(zip(pool.utterance, pool.variant, strict=True)):
        known = variant in VARIANTS and utterance in speakers
        if known and pool.frames[row] >= length:
            rows[speakers[utterance]].append(row)
    generator = np.random.default_rng(seed)
    crops, names, spectra = [], [], []
    for name, own in sorted(rows.items()):
        if len({pool.utterance[row] for row in own}) < utterances:
            continue
        for row in generator.permutation(own)[:most].tolist():
            crops.append(pool.crop(row, length, generator))
            names.append(name)
            if equal_spectra:
                spectra.append(mean_spectrum(pool.read(Piece(row, 0, int(pool.frames[row])))))
    if equal_spectra:
        common = np.mean(spectra, 0)
        pairs = zip(crops, spectra, strict=True)
        crops += [crop + (common - own).clip(-LARGEST, LARGEST) for crop, own in pairs]
        names += [f"{name}, equal" for name in names]
    batches = [np.stack(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    embeddings = np.concatenate(
        [embed_features(encoder.network, batch).numpy() for batch in batches]
    )
    return Labelled(embeddings, np.array(names))


def mean_spectrum(features: NDArray[np.float16]) -> NDArray[np.float32]:
    """Mean log power in each mel bin of ``(frames, mels)``, less its mean: ``(mels,)``."""
    spectrum = np.log(np.exp(features.astype(np.float32)).mean(0))
    return spectrum - spectrum.mean()
