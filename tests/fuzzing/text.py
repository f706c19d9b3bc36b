"""Faulty lines for every reader of text: ``python -m tests.fuzzing.text --lines 1000000``.

Lines are made of records that are right, by changes such as people, editors and programs make them,
and are read in files of some dozens. The readers must read them, or refuse them in one line.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from diarspk.formats import lint_rttm, lint_uem, read_rttm, read_uem
from diarspk.transcripts import read_transcript
from diarspk.verification.trials import read_trials
from tests.fuzzing.faults import fault_of

__all__ = ["READERS", "fuzz"]

RTTM = (
    "SPEAKER talk 1 0.50 1.25 <NA> <NA> ann <NA> <NA>",
    "SPEAKER\ttalk two\t1\t3.0\t2\t<NA>\t<NA>\tZo\u00eb M\u00fcller\t0.97\t<NA>",
    "SPKR-INFO talk 1 <NA> <NA> <NA> unknown ann <NA>",
    ";; a comment",
    "# another",
)
UEM = ("talk 1 0.0 10.5", "talk\t1\t20\t30", "; a comment")
CTM = ("talk 1 0.5 0.25 hello 0.9", "talk 1 0.75 0.25 there NA lex ann")
STM = ("talk 1 ann 0.5 1.5 <o,f0,male> hello there", "talk 1 ben 2 3 yes")
TRIALS = ("1 ann/1.wav ann/2.wav", "ann/1.wav ben/2.wav nontarget")
SRT = ("1", "00:00:00,500 --> 00:00:02,000", "Ann: hello", "")
VTT = ("WEBVTT", "", "00:00.500 --> 00:02.000", "<v Ann>hello</v>", "", "NOTE one")
DOCUMENTS = tuple(
    json.dumps(value)
    for value in (
        {"segments": [{"start": 0.5, "end": 1, "text": " hi", "words": [{"word": " hi"}]}]},
        {"segments": [{"words": [{"word": "hi", "start": 0.5, "end": 1, "speaker": "A"}]}]},
        [{"session_id": "a", "speaker": "b", "start_time": 0, "end_time": 1, "words": "hi"}],
        {"transcription": [{"offsets": {"from": 0, "to": 900}, "text": " hi"}]},
        {"task": "transcribe", "duration": 1.0, "text": "hi", "words": []},
    )
)


@dataclass(frozen=True)
class Reader:
    """Reader of files of a suffix, and records of them that are right."""

    records: tuple[str, ...]
    suffix: str
    read: Callable[[Path], Any]
    shape: Literal["lines", "blocks", "documents"] = "lines"
    """Records in any order, in the order given and again from the first, or one for each file."""


READERS: dict[str, Reader] = {
    "rttm": Reader(RTTM, ".rttm", read_rttm),
    "rttm as bytes": Reader(RTTM, ".rttm", lambda file: read_rttm(BytesIO(file.read_bytes()))),
    "lint of rttm": Reader(RTTM, ".rttm", lint_rttm),
    "uem": Reader(UEM, ".uem", read_uem),
    "lint of uem": Reader(UEM, ".uem", lint_uem),
    "trials": Reader(TRIALS, ".txt", read_trials),
    "ctm": Reader(CTM, ".ctm", read_transcript),
    "stm": Reader(STM, ".stm", read_transcript),
    "srt": Reader(SRT, ".srt", read_transcript, "blocks"),
    "vtt": Reader(VTT, ".vtt", read_transcript, "blocks"),
    "json": Reader(DOCUMENTS, ".json", read_transcript, "documents"),
}

ODD = (
    *(
        "",
        " ",
        "\t",
        "\r",
        "\0",
        "\ufeff",
        "\u2028",
        "\u0085",
        "\x1a",
        "\u202e",
        "e\u0301",
        "\ud800",
    ),
    *("-1", "1e400", "1e12", "nan", "inf", "0x10", "1_0", "1,5", "\u0663", "-0", "9" * 400),
    *("<NA>", "SPEAKER", ";", "#", ";;", '"', "{", "}", "[", "]", "null", "true", "-->"),
)
LINE_ENDS = ("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\x0b")


def mutated(line: str, rng: random.Random) -> bytes:
    """Line with none to three changes."""
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        line = rng.choice(CHANGES)(line, rng.randint(0, len(line)), rng)
    data = line.encode("utf-8", "surrogatepass")
    if rng.random() < 0.02 and data:
        place = rng.randrange(len(data))
        data = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    return data


def _replace_word(line: str, place: int, rng: random.Random) -> str:
    words = re.split("([ ,:])", line)
    words[rng.randrange(len(words))] = rng.choice(ODD)
    return "".join(words)


CHANGES: tuple[Callable[[str, int, random.Random], str], ...] = (
    _replace_word,
    lambda line, place, rng: line[:place] + rng.choice(ODD) + line[place:],
    lambda line, place, rng: line[:place] + line[place + rng.randint(1, 8) :],
    lambda line, place, rng: line[:place] + chr(rng.randrange(0x20, 0x3000)) + line[place + 1 :],
    lambda line, place, rng: line[place:] + line[:place],
    lambda line, place, rng: line * rng.choice((2, 2, 2, 300)),
    lambda line, place, rng: line.swapcase(),
)


def files(reader: Reader, rng: random.Random) -> Iterator[tuple[int, bytes]]:
    """Yield files, each with its number of lines; most have one faulty line, for depth."""
    records = reader.records
    while True:
        count = 1 if reader.shape == "documents" else rng.randint(1, 60)
        if reader.shape == "blocks":
            lines = [records[number % len(records)].encode() for number in range(count)]
        else:
            lines = [rng.choice(records).encode() for _ in range(count)]
        for place in {rng.randrange(count) for _ in range(rng.choice((1, 1, 1, count)))}:
            lines[place] = mutated(lines[place].decode(), rng)
        end = rng.choice(LINE_ENDS).encode()
        yield count, end.join(lines) + rng.choice((b"", end))


def fuzz(name: str, lines: int, seed: int, folder: Path) -> Counter[str]:
    """Read so many lines; counts of files that were read and refused.

    The file that a reader fails on stays in ``folder``.
    """
    reader = READERS[name]
    rng = random.Random(f"{name} {seed}")
    file = folder / f"{name.replace(' ', '-')}{reader.suffix}"
    counts: Counter[str] = Counter()
    for count, data in files(reader, rng):
        file.write_bytes(data)
        counts["refused" if fault_of(reader.read, file) else "read"] += 1
        counts["lines"] += count
        if counts["lines"] >= lines:
            break
    file.unlink()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines over all readers")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    for name in READERS:
        counts = fuzz(name, options.lines // len(READERS), options.seed, folder)
        print(f"{name:14} {dict(counts)}", flush=True)
    folder.rmdir()


if __name__ == "__main__":
    main()
