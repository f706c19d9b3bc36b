"""Diarize a recording, print its turns, and write them in a format of your choice.

python examples/diarize_meeting.py meeting.wav
python examples/diarize_meeting.py meeting.wav --max-speakers 4 -o meeting.srt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import diarspk


def main() -> None:
    """Read the command line, diarize, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--max-speakers", type=int)
    parser.add_argument("--output", "-o", type=Path, help="suffix: .rttm .json .csv .srt .vtt ...")
    options = parser.parse_args()

    diarizer = diarspk.Diarizer()  # loads the networks; keep it for further recordings
    result = diarizer(options.recording, max_speakers=options.max_speakers)

    for turn, track, speaker in result.annotation.itertracks(yield_label=True):
        confidence = result.confidence[turn, track]
        print(f"{turn.start:8.2f} {turn.end:8.2f}  {speaker}  {confidence:.2f}")
    for speaker, seconds in result.annotation.chart():
        print(f"{speaker} talks for {seconds:.1f} s of {result.duration:.1f}")
    if options.output is not None:
        result.write(options.output)


if __name__ == "__main__":
    main()
