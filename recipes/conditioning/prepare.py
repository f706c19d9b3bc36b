"""Pack utterances for training: log-mel features, and a cue of each by the frozen encoder.

    python -m recipes.conditioning.prepare --data ../shared/speech --output packed.npz \
        [--encoder diarspk] [--speakers 600] [--each 4]

Both are what ``python -m recipes.conditioning.train`` reads.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from diarspk.errors import ArgumentError, DiarspkError
from eval.embeddings.embedding_cache import load_system
from eval.embeddings.speech import Utterance
from eval.probes.labels import draw_records, read_records
from eval.probes.synthesis import log_mel_of
from eval.probes.vectors import chosen_utterances
from recipes.conditioning.data import PackedVoices, write_packed


def pack(utterances: Iterable[Utterance], encoder: str) -> PackedVoices:
    """Features and cues of utterances."""
    embed, space = load_system(encoder)
    features, cues, speakers = [], [], []
    for one in utterances:
        features.append(log_mel_of(one.waveform).astype(np.float16))
        cues.append(np.asarray(embed([one.waveform])[0], np.float32))
        speakers.append(one.speaker)
    if not features:
        raise ArgumentError("`utterances` must be one at least, got none")
    return PackedVoices(
        np.concatenate(features),
        np.array([len(one) for one in features], np.int64),
        np.stack(cues),
        tuple(speakers),
        encoder,
        encoder if space is None else space.fingerprint,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--output", type=Path, required=True, help="packed.npz")
    parser.add_argument("--encoder", default="diarspk", help="of the cues")
    parser.add_argument("--speakers", type=int, default=600)
    parser.add_argument("--each", type=int, default=4, help="utterances of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        records = read_records(options.data, options.split)
        drawn = draw_records(records, options.speakers, options.each, seed=options.seed)
        voices = pack(chosen_utterances(options.data, options.split, drawn), options.encoder)
    except DiarspkError as error:
        sys.exit(f"error: {error}")
    write_packed(voices, options.output)
    print(f"{len(voices.frames)} utterances, {len(voices.log_mel) / 6000:.1f} minutes")


if __name__ == "__main__":
    main()
