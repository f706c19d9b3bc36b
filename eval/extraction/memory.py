"""Peak memory of extracting a speaker from short and from long recordings.

    python -m eval.extraction.memory --recording meeting.wav --minutes 5 60 --json memory.json

A recording is repeated to the length and written to a file, and a speaker of it is extracted with
gate and confidence, as by ``extract --speaker`` with a diarization: the turns are those of one
diarization of the recording, shifted. ``--small`` takes a network of random weights and few
channels: what grows with the length is the same, in a fraction of the time.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

import diarspk
from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.errors import DiarspkWarning
from eval.command_line import command
from eval.counting.peak_memory import peak_megabytes, reset_peak
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from tse.cue_sources import MultiLevelCue
from tse.extractor import Extractor
from tse.loading import load_extractor
from tse.meeting import extract_speakers
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig

__all__ = ["main", "repeat_turns", "small_extractor", "write_repeated"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    recording: Path
    """Recording that is repeated."""
    minutes: tuple[float, ...] = (5.0, 60.0)
    """Lengths."""
    small: bool = False
    """Extract by a small network of random weights."""


@command
def main(settings: Settings) -> None:
    extractor = small_extractor() if settings.small else load_extractor()
    piece = load_audio(settings.recording)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiarspkWarning)
        turns = diarspk.Diarizer()(piece, SAMPLE_RATE).annotation
        peaks = {
            minutes: _measure(extractor, piece, turns, minutes) for minutes in settings.minutes
        }
    rows = [[f"{minutes:g}", f"{megabytes:.0f}"] for minutes, megabytes in peaks.items()]
    print(markdown_table(["minutes", "peak memory, MB"], rows))
    settings.report.write({"peak_mb": peaks})


def _measure(extractor: Extractor, piece: Samples, turns: Annotation, minutes: float) -> float:
    """Peak of the memory of this process while a speaker is extracted, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        times = write_repeated(piece, minutes, file)
        annotation = repeat_turns(turns, len(piece) / SAMPLE_RATE, times)
        speaker = str(annotation.chart()[0][0])
        reset_peak()
        extract_speakers(
            file, Path(folder) / "tracks", annotation, speakers=[speaker], extractor=extractor
        )
        return peak_megabytes()


def write_repeated(piece: Samples, minutes: float, file: Path) -> int:
    """Write ``(time,)`` again and again up to that length; how often it was begun."""
    left = round(minutes * 60 * SAMPLE_RATE)
    times = 0
    with soundfile.SoundFile(file, "w", SAMPLE_RATE, 1) as sound:
        for part in _parts(piece, left):
            sound.write(part)
            times += 1
    return times


def _parts(piece: Samples, left: int) -> Iterator[Samples]:
    while left > 0:
        yield piece[:left]
        left -= len(piece)


def repeat_turns(turns: Annotation, seconds: float, times: int) -> Annotation:
    """Repeat the turns of a recording of that length."""
    found = Annotation(uri="long")
    for number in range(times):
        for turn, track, label in turns.itertracks(yield_label=True):
            shifted = Segment(turn.start + number * seconds, turn.end + number * seconds)
            found[shifted, f"{number}-{track}"] = label
    return found


def small_extractor() -> Extractor:
    """Extractor of random weights and few channels, with the embedded encoder."""
    torch.manual_seed(0)
    encoder = diarspk.load_encoder()
    config = BandSplitConfig(
        channels=4,
        hidden=4,
        bottleneck=4,
        mask_hidden=4,
        blocks=1,
        conditioning=ConditioningConfig(encoder.dimension),
    )
    network = build_network(config).eval().requires_grad_(False)
    return Extractor(network, MultiLevelCue(encoder, frames=False), space=encoder.fingerprint)


if __name__ == "__main__":
    raise SystemExit(main())
