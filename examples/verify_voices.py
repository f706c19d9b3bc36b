"""Compare two voices: cosine, and the probability that they are one person's.

python examples/verify_voices.py alice.wav bob.wav
"""

from __future__ import annotations

import argparse
from pathlib import Path

import diarspk
from diarspk.verification.calibration import default_calibration, probability


def main() -> None:
    """Read the command line, embed, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--prior", type=float, default=0.5, help="prior probability of one person")
    options = parser.parse_args()

    encoder = diarspk.load_encoder()
    first, second = encoder.embed(options.first), encoder.embed(options.second)
    cosine = float(first @ second)  # both are unit vectors
    print(f"cosine {cosine:.3f} in the space {encoder.fingerprint}")

    calibration = default_calibration(encoder.fingerprint)
    if calibration is not None:
        same = float(probability(calibration.log_likelihood_ratios(cosine), options.prior))
        print(f"one person with probability {same:.3f}")


if __name__ == "__main__":
    main()
