"""Damaged recordings of every format: ``python -m tests.fuzzing.audio --count 10000``.

Each is read, with warnings of one line, or refused in one line, within bounded time and memory, and
no library writes to stderr. Each format has a process of its own, so that a crash costs that format
only; the file it happened with is kept.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.errors import AudioWarning
from tests.diarspk.audio.media import click, write_sound
from tests.diarspk.audio.test_formats import WRITTEN_BY_FFMPEG, WRITTEN_BY_LIBSNDFILE
from tests.fuzzing.bytes_and_values import damaged
from tests.fuzzing.faults import fault_of
from tests.paths import ROOT

__all__ = ["FORMATS", "fuzz"]

DURATION_S = 1.0
MAX_READING_S = 20
MAX_SOUND_S = 3600.0
"""Sound that a damaged file of a second may pretend to hold: its clock may leap."""
MEMORY = 6 << 30

FORMATS = {
    **{f"{suffix} {codec}": (suffix, codec, rate) for suffix, codec, rate, *_ in WRITTEN_BY_FFMPEG},
    **{
        f"{suffix} {container} {coding}": (suffix, container, coding)
        for suffix, container, coding in WRITTEN_BY_LIBSNDFILE
    },
}


def write(name: str, folder: Path) -> Path:
    """Write a whole recording of a format."""
    suffix, first, second = FORMATS[name]
    path = folder / f"whole.{suffix}"
    if isinstance(second, int):
        film = name in {f"{row[0]} {row[1]}" for row in WRITTEN_BY_FFMPEG if row[4]}
        sound = click(DURATION_S, DURATION_S / 2, second)
        return write_sound(path, first, second, sound, film_s=film * DURATION_S)
    rate = 8000 if second == "GSM610" else SAMPLE_RATE
    soundfile.write(path, click(DURATION_S, DURATION_S / 2, rate), rate, second, format=first)
    return path


def read(path: Path) -> None:
    """Read a recording as the library does, block by block."""
    stream = open_audio(path)
    seconds = 0.0
    for block in stream.blocks(10.0):
        assert block.dtype == np.float32 and np.isfinite(block).all()
        seconds += len(block) / SAMPLE_RATE
        assert seconds < MAX_SOUND_S, f"{seconds} s of sound in a file of {DURATION_S} s"


def fuzz(name: str, count: int, seed: int, folder: Path) -> Counter[str]:
    """Read so many damaged files; counts of what was read, read with a warning, and refused."""
    whole = write(name, folder).read_bytes()
    path = folder / f"damaged.{FORMATS[name][0]}"
    rng = random.Random(f"{name} {seed}")
    counts: Counter[str] = Counter()
    for _ in range(count):
        data = whole
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            data = damaged(data, rng)
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught, _time_limit():
            warnings.simplefilter("always")
            fault = fault_of(read, path)
        for one in caught:
            assert issubclass(one.category, AudioWarning), one
            assert len(str(one.message).splitlines()) == 1, one
        counts["refused" if fault else "warned" if caught else "read"] += 1
    return counts


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TimeoutError in what takes too long, where the system has alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"reading takes more than {MAX_READING_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_READING_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files over all formats")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=sorted(FORMATS), help="so many of this format only")
    options = parser.parse_args()
    if options.format is not None:
        folder = Path(tempfile.mkdtemp(prefix="diarspk-fuzzing-"))
        print(folder, flush=True)
        _limit_memory()
        print(dict(fuzz(options.format, options.count, options.seed, folder)))
        shutil.rmtree(folder)
        return
    failed = 0
    each = -(-options.count // len(FORMATS))
    for name in FORMATS:
        command = [sys.executable, "-m", __spec__.name, "--format", name, "--count", str(each)]
        command += ["--seed", str(options.seed)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
        good = done.returncode == 0 and not done.stderr
        failed += not good
        told = done.stdout.strip() if not good else done.stdout.splitlines()[-1]
        print(f"{name:26} {told}", flush=True)
        if not good:
            print(f"exit status {done.returncode}\n{done.stderr[-3000:]}", flush=True)
    raise SystemExit(failed > 0)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
