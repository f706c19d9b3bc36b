"""Requests to stop at any stage of every command: ``python -m tests.fuzzing.stops --rounds 10``.

A command is started, and gets SIGINT or SIGTERM after a part of the time that it takes. Afterwards
its folder is as it was before, or has the whole result; nothing of a traceback is printed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.full_disk import content_of
from tests.paths import ROOT
from tests.tiny_model import write_tiny_model, write_voices

__all__ = ["COMMANDS", "stop_at"]

MAIN = "from diarspk.cli import main; main()"
TINY = ("--encoder", "tiny.json")
COMMANDS: dict[str, tuple[str, ...]] = {
    "combine": ("combine", "a.rttm", "b.rttm", "-o", "out.rttm"),
    "score": ("score", "a.rttm", "b.rttm", "--timeline", "out"),
    "diarize": ("diarize", "ann0.wav", "ben0.wav", "-o", "out", *TINY),
    "embed": ("embed", "ann0.wav", "ben0.wav", "-o", "out.npz", *TINY),
    "export-cue": ("export-cue", "ann0.wav", "--for", "numpy", "-o", "out.npz", *TINY),
    "export-voice": (
        *("export-voice", "ann0.wav", "--diarization", "a.rttm", "--min-seconds", "1"),
        *("-o", "out", *TINY),
    ),
    "gallery": ("gallery", "enroll", "ann", "ann0.wav", "ann1.wav", "-g", "people", *TINY),
    "extract": ("extract", "ann0.wav", "--enroll", "ann1.wav", "-o", "out.wav"),
    "link": (
        *("link", "ann0.rttm", "ann1.rttm", "--audio", "ann0.wav", "--audio", "ann1.wav"),
        *("-o", "out", "--threshold", "0.5", *TINY),
    ),
    "transcript": ("transcript", "words.srt", "--diarization", "a.rttm", "-o", "out.vtt"),
    "plot": ("plot", "timeline", "a.rttm", "-o", "out.svg"),
}
RTTM = "SPEAKER {} 1 {} 2 <NA> <NA> ann <NA>\n"
WORDS = "1\n00:00:00,500 --> 00:00:01,500\nhello there\n"


def prepare(folder: Path) -> None:
    """Write inputs for every command."""
    write_tiny_model(folder)
    write_voices(folder)
    for number, name in enumerate(("a.rttm", "b.rttm")):
        (folder / name).write_text(RTTM.format("ann0", number / 10))
    for name in ("ann0", "ann1"):
        (folder / f"{name}.rttm").write_text(RTTM.format(name, 0.5))
    (folder / "words.srt").write_text(WORDS)


def start(name: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *COMMANDS[name]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop_at(
    name: str, number: signal.Signals, after_s: float, inputs: Path, whole: set[str]
) -> str:
    """Start a command in a copy of ``inputs``, and stop it after so many seconds: how it ended.

    AssertionError tells what is left behind, which may be nothing but the ``whole`` result.
    """
    with tempfile.TemporaryDirectory() as copied:
        folder = Path(copied)
        shutil.copytree(inputs, folder, dirs_exist_ok=True)
        before = content_of(folder)
        with start(name, folder) as process:
            time.sleep(after_s)
            process.send_signal(number)
            _, told = process.communicate(timeout=120)
        after = content_of(folder)
        place = f"{name}, {number.name} after {after_s:.2f} s, exit status {process.returncode}"
        assert before.items() <= after.items(), f"{place}: inputs changed"
        new = sorted(after.keys() - before.keys())
        # The results of a batch appear one by one, and its report with them.
        fits = set(new) <= whole if name == "diarize" else set(new) in (set(), whole)
        assert fits, f"{place}: {new}"
        if process.returncode == 0:
            return "done"
        if process.returncode in (-number, 1) and "main()" not in told:
            return "early or late"  # Python itself ends, before the command begins or after it
        assert process.returncode == 128 + number, f"{place}: {told}"
        assert "Traceback" not in told, f"{place}: {told}"
        return "stopped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="requests to each command")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as inputs:
        prepare(Path(inputs))
        for name in COMMANDS:
            with tempfile.TemporaryDirectory() as folder:
                shutil.copytree(inputs, folder, dirs_exist_ok=True)
                began = time.monotonic()
                with start(name, Path(folder)) as process:
                    told = process.communicate()[1]
                assert process.returncode == 0, f"{name}: {told}"
                takes_s = time.monotonic() - began
                whole = set(content_of(Path(folder))) - set(content_of(Path(inputs)))
            counts: Counter[str] = Counter()
            for _ in range(options.rounds):
                number = rng.choice((signal.SIGINT, signal.SIGTERM))
                after_s = rng.uniform(0, takes_s)
                counts[stop_at(name, number, after_s, Path(inputs), whole)] += 1
            print(f"{name:12} {takes_s:5.1f} s {dict(counts)}", flush=True)


if __name__ == "__main__":
    main()
