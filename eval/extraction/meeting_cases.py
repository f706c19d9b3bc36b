"""Meetings to extract from: recordings with references, and simulated ones with all their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Timeline
from scipy.optimize import linear_sum_assignment

from diarspk.audio import load_audio
from diarspk.features.speech_quality import speech_frames
from diarspk.segmentation.silero import CHUNK_SAMPLES
from eval.diarization.conversations import read_collections
from eval.simulate.conversation import Sources, simulate
from eval.simulate.noise import read_noise
from eval.simulate.settings import SimulationConfig
from eval.simulate.templates import read_templates
from eval.simulate.voices import read_voices

__all__ = ["MeetingCase", "match_speakers", "read_cases", "simulate_cases"]

Samples = NDArray[np.float32]

TEMPLATES = ("ami-dev", "voxconverse-dev")


@dataclass(frozen=True, eq=False)
class MeetingCase:
    """A meeting.

    Attributes
    ----------
    name : str
    mixture : ndarray, ``(time,)``
        At 16 kHz.
    reference : pyannote.core.Annotation
    scored : pyannote.core.Timeline
        Part that the reference covers.
    voices : mapping of str to ndarray, ``(time,)``
        Each speaker of the reference as in the mixture; empty for recordings.
    """

    name: str
    mixture: Samples
    reference: Annotation
    scored: Timeline
    voices: Mapping[str, Samples] = field(default_factory=dict)


def read_cases(folders: Sequence[Path], reference: str) -> Iterator[tuple[str, MeetingCase]]:
    """Read recordings of data sets, each with the name of its set; see `read_collections`."""
    named = () if reference == "own" else (reference,)
    for title, conversations in read_collections(folders, named).items():
        for one in conversations:
            turns = one.references.get(reference, one.reference)
            yield title, MeetingCase(one.name, load_audio(one.audio), turns, one.uem)


def simulate_cases(
    data: Path, *, count: int, seed: int, seconds: float, split: str = "dev"
) -> Iterator[MeetingCase]:
    """Conversations of ``eval.simulate`` whose parts are known.

    Pauses of the voices are found by their level, which is quicker than by a network.

    Parameters
    ----------
    data
        Folder with speech/, noise/ and conversations/annotations/.
    """
    config = SimulationConfig(seconds=seconds)
    annotations = data / "conversations" / "annotations"
    sources = Sources(
        read_voices(data / "speech", split, config, detect=_loud_chunks),
        read_templates(annotations, TEMPLATES, seconds=seconds),
        read_noise(data / "noise" / "noise", shortest_s=config.shortest_noise_s),
    )
    for number in range(count):
        made = simulate(sources, config, seed=seed, number=number)
        whole = Timeline([made.reference.get_timeline().extent()])
        yield MeetingCase(f"{split}-{number:02d}", made.mixture, made.reference, whole, made.wet)


def _loud_chunks(waveform: Samples) -> Samples:
    """Whether there is speech in each 512 samples, by the level: 1 or 0."""
    padded = np.pad(waveform, (0, -len(waveform) % CHUNK_SAMPLES)).reshape(-1, CHUNK_SAMPLES)
    levels = 10 * np.log10(np.square(padded).mean(axis=1) + 1e-12)
    return speech_frames(levels).astype(np.float32)


def match_speakers(reference: Annotation, hypothesis: Annotation) -> dict[str, str]:
    """Speaker of the hypothesis for each of the reference, by most seconds together."""
    rows, columns = reference.labels(), hypothesis.labels()
    together = np.array(
        [
            [
                reference.label_timeline(one).crop(hypothesis.label_timeline(other)).duration()
                for other in columns
            ]
            for one in rows
        ]
    ).reshape(len(rows), len(columns))
    pairs = zip(*linear_sum_assignment(-together), strict=True)
    return {str(rows[i]): str(columns[j]) for i, j in pairs if together[i, j] > 0}
