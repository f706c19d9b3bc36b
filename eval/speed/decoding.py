"""Processor time and memory of decoding a long recording to 16 kHz mono, by format.

``python -m eval.speed.decoding --data ../shared/conversations/simulated --minutes 60``

Each is a process of its own, start included. Where there is a program ``ffmpeg``, it does the same.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import av

from diarspk.audio import SAMPLE_RATE
from eval.command_line import command
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.speed.measurement import write_long_recording

__all__ = ["FORMATS", "Decoding", "encode", "main"]

FORMATS = {  # suffix: encoder of FFmpeg, and its sample rate
    "wav": ("pcm_s16le", 16000),
    "flac": ("flac", 16000),
    "mp3": ("libmp3lame", 44100),
    "m4a": ("aac", 44100),
    "webm": ("libopus", 48000),
    "mkv": ("aac", 48000),
}
HEADER = ("format", "minutes", "times real time", "peak MB", "ffmpeg program / ours")

DECODE = """
import re, sys
from diarspk.audio import open_audio
samples = sum(map(len, open_audio(sys.argv[1]).blocks()))
status = open("/proc/self/status").read()
print(samples, re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""
"""Program that decodes the recording appended to it; prints the samples and its peak in kB.

The peak that the system tells of a child begins with that of its parent, which is larger.
"""


@dataclass(frozen=True)
class Decoding:
    """Decoding of one recording, in blocks.

    Attributes
    ----------
    format : str
    duration : float
        Seconds of audio.
    seconds : float
        Processor time of the process.
    peak_megabytes : float
        Its largest resident memory, in 10^6 bytes; libraries are about 80 of them.
    ffmpeg_seconds : float, optional
        That of the program ``ffmpeg``.
    """

    format: str
    duration: float
    seconds: float
    peak_megabytes: float
    ffmpeg_seconds: float | None


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of recordings to join."""
    minutes: tuple[float, ...] = (60.0,)
    """Lengths of joined recordings."""
    formats: tuple[str, ...] = tuple(FORMATS)
    """Suffixes of formats."""


@command
def main(settings: Settings) -> None:
    results = []
    with tempfile.TemporaryDirectory() as folder:
        original = Path(folder) / "long.wav"
        for minutes in settings.minutes:
            write_long_recording(settings.data, 60 * minutes, original)
            for format in settings.formats:
                encoded = Path(folder) / f"encoded.{format}"
                encode(original, encoded, *FORMATS[format])
                results.append(_measure(encoded))
    print(_format(results))
    settings.report.write({"results": [asdict(result) for result in results]})


def encode(original: Path, encoded: Path, codec: str, rate: int) -> None:
    """Encode a recording block by block."""
    with av.open(str(original)) as source, av.open(str(encoded), "w") as sink:
        stream: Any = sink.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.codec_context.format.name, "mono", rate)
        for frame in chain(source.decode(audio=0), [None]):
            for converted in resampler.resample(frame):
                sink.mux(stream.encode(converted))
        sink.mux(stream.encode(None))


def _measure(recording: Path) -> Decoding:
    seconds, printed = _run([sys.executable, "-c", DECODE, str(recording)])
    samples, kilobytes = map(int, printed.split())
    program = shutil.which("ffmpeg")
    theirs = None
    if program is not None:
        words = [program, "-v", "error", "-i", str(recording), "-f", "f32le", "-ac", "1"]
        theirs, _ = _run([*words, "-ar", str(SAMPLE_RATE), "pipe:1"])
    duration = samples / SAMPLE_RATE
    return Decoding(recording.suffix[1:], duration, seconds, kilobytes * 1.024e-3, theirs)


def _run(words: Sequence[str]) -> tuple[float, bytes]:
    """Processor time in seconds, and what is printed; a busy machine does not bend it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout


def _format(results: Sequence[Decoding]) -> str:
    rows = [
        [
            result.format,
            f"{result.duration / 60:.2f}",
            f"{result.duration / result.seconds:.0f}",
            f"{result.peak_megabytes:.0f}",
            "-"
            if result.ffmpeg_seconds is None
            else f"{result.ffmpeg_seconds / result.seconds:.2f}",
        ]
        for result in results
    ]
    return markdown_table(HEADER, rows)


if __name__ == "__main__":
    raise SystemExit(main())
