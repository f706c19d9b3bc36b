"""Correct a result in ways that a person would: another count, one label into two, a name.

    python examples/correct_result.py meeting.wav

Every operation gives a new result from the same pass over the recording.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import diarspk


def show(what: str, result: diarspk.Diarization) -> None:
    """Print the speakers of a result and how long each of them talks."""
    chart = ", ".join(
        f"{speaker} {seconds:.1f} s" for speaker, seconds in result.annotation.chart()
    )
    print(f"{what:12} {chart}")


def main() -> None:
    """Read the command line, diarize, correct."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", type=Path)
    options = parser.parse_args()

    result = diarspk.Diarizer()(options.recording)
    show("found", result)

    two = result.recluster(num_speakers=2)
    show("two", two)

    first, second = two.annotation.labels()
    parted = two.split(first, count=2)  # by clustering the speech of the first alone
    show("parted", parted)

    (new,) = set(parted.annotation.labels()) - {first, second}
    merged = parted.merge([first, new])
    show("merged", merged)

    show("renamed", merged.rename({first: "Alice", second: "Bob"}))


if __name__ == "__main__":
    main()
