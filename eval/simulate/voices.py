"""Speech of single speakers without its pauses."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import FormatError
from diarspk.intervals import find_runs
from diarspk.segmentation.silero import CHUNK_SAMPLES, TARGET_RMS, SileroNetwork
from eval.embeddings.speech import read_utterances
from eval.simulate.settings import SimulationConfig

__all__ = ["Samples", "Voice", "dense_speech", "fade", "read_voices", "speech_probability"]

Samples = NDArray[np.float32]
Detect: TypeAlias = Callable[[Samples], Samples]
FADE_SAMPLES = SAMPLE_RATE // 200


def speech_probability(network: SileroNetwork, waveform: Samples) -> Samples:
    """Compute the probability of speech in every 32 ms, at the level the detector was made for."""
    gain = TARGET_RMS / max(float(np.sqrt(np.mean(waveform**2))), 1e-6)
    starts = range(0, len(waveform), CHUNK_SAMPLES)
    return network(waveform[start : start + CHUNK_SAMPLES] * gain for start in starts)


def dense_speech(
    waveform: Samples, probability: Samples, *, threshold: float, longest_pause_s: float
) -> Samples:
    """Keep what is speech of a waveform, and its short pauses; the joins are faded.

    Parameters
    ----------
    waveform : ndarray, ``(time,)``
    probability : ndarray, ``(chunks,)``
        Of speech in each 512 samples.

    Returns
    -------
    ndarray, ``(time,)``
        Empty if nothing is speech.
    """
    speech = probability >= threshold
    runs = find_runs(speech)
    longest = round(longest_pause_s * SAMPLE_RATE / CHUNK_SAMPLES)
    for end, start in zip(runs[:-1, 1], runs[1:, 0], strict=True):
        speech[end:start] |= start - end <= longest
    pieces = [fade(waveform[start:end]) for start, end in CHUNK_SAMPLES * find_runs(speech)]
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def fade(waveform: Samples) -> Samples:
    """Fade 5 ms in and out, so that a cut makes no click."""
    length = min(FADE_SAMPLES, len(waveform) // 2)
    ramp = ((np.arange(length) + 0.5) / max(length, 1)).astype(np.float32)
    faded = waveform.copy()
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded


def read_voices(
    folder: Path, split: str, config: SimulationConfig, *, detect: Detect | None = None
) -> dict[str, list[Samples]]:
    """Dense speech of every speaker of a split who has enough of it, by utterance.

    Parameters
    ----------
    detect : callable, optional
        Waveform -> probability of speech in each 512 samples; Silero VAD without it.

    Raises
    ------
    FormatError
        If the split is missing or damaged, or nobody has enough speech.
    ModelError
        If the detector is not installed.
    """
    if detect is None:
        network = SileroNetwork()

        def detect(waveform: Samples) -> Samples:
            return speech_probability(network, waveform)

    names = _wanted(folder / f"{split}.tsv", config.excluded_corpora)
    voices: dict[str, list[Samples]] = defaultdict(list)
    for utterance in read_utterances(folder, split, names=names):
        dense = dense_speech(
            utterance.waveform,
            detect(utterance.waveform),
            threshold=config.speech_threshold,
            longest_pause_s=config.longest_pause_s,
        )
        if len(dense):
            voices[utterance.speaker].append(dense)
    least = config.least_voice_s * SAMPLE_RATE
    enough = {name: own for name, own in voices.items() if sum(map(len, own)) >= least}
    if not enough:
        fault = f"has no speaker with {config.least_voice_s:g} s of speech; lower `least_voice_s`"
        raise FormatError(fault, str(folder / f"{split}.tsv"))
    return enough


class Voice:
    """Speech of one speaker at a power of one, in random order, without end.

    Nothing is repeated until all has been taken; then it begins again in another order.
    """

    def __init__(self, utterances: Sequence[Samples], generator: np.random.Generator) -> None:
        powers = [float(np.sqrt(np.mean(one**2))) for one in utterances]
        self._utterances = [
            one / np.float32(max(power, 1e-6))
            for one, power in zip(utterances, powers, strict=True)
        ]
        self._generator = generator
        self._left = np.zeros(0, np.float32)

    def take(self, count: int) -> Samples:
        """Return the next ``count`` samples."""
        parts = []
        while count > 0:
            if not len(self._left):
                order = self._generator.permutation(len(self._utterances))
                self._left = np.concatenate([self._utterances[index] for index in order])
            parts.append(self._left[:count])
            self._left = self._left[count:]
            count -= len(parts[-1])
        return np.concatenate([np.zeros(0, np.float32), *parts])


def _wanted(table: Path, excluded: Sequence[str]) -> set[str] | None:
    """Utterances of all other corpora; None, for all, where the table names no corpus."""
    if not table.is_file():
        return None  # the reader of utterances says so
    with table.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["utterance"] for row in rows if row.get("corpus") not in excluded}
