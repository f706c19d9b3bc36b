"""Every kind of cue of every utterance, as one vector each, so that the same probe reads all."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.atomic import atomic_path
from diarspk.audio import SAMPLE_RATE
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError, FormatError
from diarspk.features.prosody import ProsodyStatistics
from eval.embeddings.speech import Utterance, read_utterances
from eval.probes.labels import Record
from eval.systems.registry import EMBEDDERS, load_embedder

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder

__all__ = [
    "CONTROLS",
    "Cues",
    "Read",
    "control_reader",
    "encoder_reader",
    "load_reader",
    "prosody_vector",
    "read_cues",
]

Cues = dict[str, NDArray[np.float64]]
"""By name: a vector ``(dim,)`` of one utterance, or ``(n, dim)`` of many."""

Read = Callable[[NDArray[np.float32]], Cues]
"""Waveform at 16 kHz -> cues."""

CONTROLS = "controls"
"""The system without an encoder: prosody, and the mean of log-mel features."""

PROSODY = ("pitch", "pitch low", "pitch high", "energy", "rate")
"""Of the vector's components, those with a name of their own."""


def load_reader(system: str) -> tuple[Read, str]:
    """Load what reads the cues of a system, and the fingerprint of its space.

    Raises
    ------
    ArgumentError, ModelError
        If there is no such encoder, or it cannot be loaded.
    """
    if system == CONTROLS:
        return control_reader(), CONTROLS
    if system in EMBEDDERS and system != "diarspk":
        embed = load_embedder(system)
        return lambda waveform: {"utterance": embed([waveform])[0].astype(np.float64)}, system
    from diarspk import load_encoder

    encoder = load_encoder(None if system == "diarspk" else system)
    return encoder_reader(encoder), encoder.fingerprint


def encoder_reader(encoder: SpeakerEncoder) -> Read:
    """Timbre, its nested prefixes, and the frames: their normalised mean, and how they vary.

    A linear probe reads one vector, so a sequence is told by its mean, its deviation and its mean
    absolute step over time, of each component.
    """

    def read(waveform: NDArray[np.float32]) -> Cues:
        vector = encoder.embed(waveform, SAMPLE_RATE).astype(np.float64)
        frames = encoder.embed_frames(waveform, SAMPLE_RATE).data.astype(np.float64)
        cues = {"utterance": vector}
        for length in encoder.prefixes:
            short = vector[:length]
            cues[f"utterance-{length}"] = unit_vector(short)
        mean = frames.mean(axis=0)
        steps = np.abs(np.diff(frames, axis=0)).mean(axis=0) if len(frames) > 1 else 0 * mean
        cues["frame mean"] = unit_vector(mean)
        cues["frame sequence"] = np.concatenate([mean, frames.std(axis=0), steps])
        return cues

    return read


def control_reader() -> Read:
    """Cues that need no encoder: what those of one have to do better than.

    ``prosody`` is told by :func:`prosody_vector`, ``log-mel mean`` is the mean of 80 log energies
    over time, with the level that they have.
    """
    import torch

    from diarspk.features.log_mel import LogMel
    from diarspk.features.prosody import measure_prosody

    log_mel = LogMel()

    def read(waveform: NDArray[np.float32]) -> Cues:
        with torch.inference_mode():
            features = log_mel(torch.from_numpy(np.ascontiguousarray(waveform))[None])[0]
        return {
            "prosody": prosody_vector(measure_prosody(waveform, SAMPLE_RATE)),
            "log-mel mean": features.numpy().mean(axis=0).astype(np.float64),
        }

    return read


def prosody_vector(found: ProsodyStatistics) -> NDArray[np.float64]:
    """Prosody as components that differ evenly: pitches as octaves; ``(8,)``.

    Pitch, its 5th and 95th percentile, energy in dB, rate; then the deviations of pitch and
    energy, and the voiced share. NaN where nothing is voiced.
    """
    pitches = np.array([found.pitch_hz, found.pitch_low_hz, found.pitch_high_hz])
    rest = [found.energy_db, found.rate_hz, found.pitch_deviation]
    return np.array(
        [*np.log2(pitches), *rest, found.energy_deviation_db, found.voiced_share], np.float64
    )


def read_cues(
    folder: Path,
    split: str,
    records: Sequence[Record],
    system: str,
    *,
    cache: Path | None = None,
) -> Cues:
    """Read the cues of some utterances of a split, or those that an earlier run has stored.

    Returns
    -------
    dict
        ``(n, dim)`` by the name of the cue, in the order of the records.

    Raises
    ------
    FormatError
        If the split or an utterance is missing.
    """
    read, fingerprint = load_reader(system)
    file = None
    if cache is not None:
        text = "\n".join([fingerprint, split, *(one.name for one in records)])
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        file = cache / f"cues-{split}-{mark}.npz"
        if file.is_file():
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
    print(f"{system}: reading {len(records)} utterances of {split}", file=sys.stderr)
    found = {one.name: read(one.waveform) for one in chosen_utterances(folder, split, records)}
    cues = stack_cues([found[one.name] for one in records])
    if file is not None:
        _keep(cues, file)
    return cues


def chosen_utterances(folder: Path, split: str, records: Sequence[Record]) -> Iterator[Utterance]:
    """Utterances of the records, in the order of the table.

    Raises
    ------
    FormatError
        If one is missing.
    """
    wanted = {one.name for one in records}
    for utterance in read_utterances(folder, split, names=frozenset(wanted)):
        wanted.discard(utterance.name)
        yield utterance
    if wanted:
        table = folder / f"{split}.tsv"
        raise FormatError(f"lists no utterance {min(wanted)}", str(table))


def stack_cues(cues: Sequence[Mapping[str, NDArray[np.float64]]]) -> Cues:
    """Cues of many utterances as matrices.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    if not cues:
        raise ArgumentError("`cues` must be of one utterance at least, got none")
    return {name: np.stack([one[name] for one in cues]) for name in cues[0]}


def _keep(cues: Cues, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in cues.items()})  # type: ignore[arg-type]
