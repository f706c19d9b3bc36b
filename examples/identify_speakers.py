"""Diarize a recording, and name the speakers whom a gallery knows.

    python examples/identify_speakers.py meeting.wav alice=alice.wav bob=bob.wav -g people/

Recordings that are given as NAME=FILE are enrolled first; each holds one person alone. Without
them the gallery is used as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import diarspk
from diarspk.diarization import name_speakers
from diarspk.verification.gallery import create_gallery, open_gallery


def main() -> None:
    """Read the command line, enroll, diarize, name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", type=Path)
    parser.add_argument("enrolments", nargs="*", metavar="NAME=FILE")
    parser.add_argument("--gallery", "-g", type=Path, default=Path("people"))
    options = parser.parse_args()

    diarizer = diarspk.Diarizer()
    encoder = diarizer.encoder
    if not options.gallery.exists():
        create_gallery(options.gallery, encoder.space).close()
    with open_gallery(options.gallery) as people:
        for enrolment in options.enrolments:
            name, _, file = enrolment.partition("=")
            people.enroll(name, encoder.embed(file), fingerprint=encoder.fingerprint)

        result = name_speakers(diarizer(options.recording), people)
        for speaker, vector in result.speakers.items():
            seconds = result.annotation.label_duration(speaker)
            answer = people.identify(vector, fingerprint=result.fingerprint)
            nearest = answer.candidates[0]
            print(f"{speaker}: {seconds:.1f} s, nearest to {nearest.speaker} ({nearest.score:.2f})")


if __name__ == "__main__":
    main()
