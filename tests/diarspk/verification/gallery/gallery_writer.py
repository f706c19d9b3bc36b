"""Enrols speaker after speaker and says so on stdout; killed by a test while it does.

``python gallery_writer.py FOLDER COUNT [PAIR]``: with PAIR, two references in one enrolment.
"""

from __future__ import annotations

import signal
import sys

import numpy as np

from diarspk.verification.gallery import open_gallery


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=32).astype(np.float32)


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also started in the background
    folder, count, references = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open_gallery(folder) as gallery:
        for number in range(count):
            rows = np.stack([vector(number)] * references)
            gallery.enroll(f"person {number}", rows, fingerprint="abc")
            print(number, flush=True)


if __name__ == "__main__":
    main()
