"""Crops of packed training features, degraded copies among them, embedded by the embedded encoder.

A meeting is not recorded as training speech is. Copies in rooms tell the PLDA how far a voice
moves in its space from one place to another.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diarspk.encoders.local import LocalEncoder
from diarspk.features import gated_level
from recipes.embedded.data import FRAMES_PER_SECOND, read_pool, read_speakers
from recipes.plda.labelled import Labelled

BATCH = 64
VARIANTS = ("recorded", "room")


def embed_packed(
    encoder: LocalEncoder,
    packed: Path,
    table: Path,
    *,
    seconds: float,
    most: int,
    utterances: int = 3,
    seed: int = 0,
) -> Labelled:
    """Embed one random crop of each of at most ``most`` recordings of a speaker.

    Parameters
    ----------
    packed
        What ``recipes.embedded.prepare`` wrote for training.
    table
        ``train.tsv``.
    seconds
        Length of the crops.
    utterances
        Speakers with fewer are left out: the rooms of one utterance say too little of a voice.
    """
    pool, speakers = read_pool(packed, in_memory=False), read_speakers(table)
    length = round(seconds * FRAMES_PER_SECOND)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, (utterance, variant) in enumerate(zip(pool.utterance, pool.variant, strict=True)):
        if variant in VARIANTS and pool.frames[row] >= length:
            rows[speakers[utterance]].append(row)
    generator = np.random.default_rng(seed)
    crops, names = [], []
    for name, own in sorted(rows.items()):
        if len({pool.utterance[row] for row in own}) < utterances:
            continue
        for row in generator.permutation(own)[:most].tolist():
            crops.append(pool.crop(row, length, generator))
            names.append(name)
    batches = [np.stack(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    embeddings = np.concatenate([_embed(encoder, batch) for batch in batches])
    return Labelled(embeddings, np.array(names))


@torch.inference_mode()
def _embed(encoder: LocalEncoder, batch: np.ndarray) -> np.ndarray:
    features = torch.from_numpy(batch.astype(np.float32))
    levelled = features - gated_level(features)[:, None, None]
    return nn.functional.normalize(encoder.network(levelled), dim=-1).numpy()
