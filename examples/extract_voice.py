"""Extract one enrolled voice from a mixture.

python examples/extract_voice.py mixture.wav alice.wav alice-2.wav -o alice-only.wav
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile

import diarspk
import tse


def main() -> None:
    """Read the command line, enroll, extract, check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("mixture", type=Path)
    parser.add_argument("enrolments", type=Path, nargs="+", help="the speaker alone")
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args()

    extractor = tse.load_extractor()
    cue = extractor.cue([str(file) for file in options.enrolments])
    voice = extractor(options.mixture, cue)
    soundfile.write(options.output, voice, extractor.sample_rate)

    # Is it the enrolled voice? The encoder can say, as it says of any two recordings.
    encoder = diarspk.load_encoder()
    enrolled = encoder.embed(options.enrolments[0])
    before = float(enrolled @ encoder.embed(options.mixture))
    after = float(enrolled @ encoder.embed(voice, extractor.sample_rate))
    print(f"{options.output}: cosine with the enrolment {after:.2f}, of the mixture {before:.2f}")


if __name__ == "__main__":
    main()
