"""Score a result against a reference, in several conventions, and draw the errors.

python examples/score_result.py reference.rttm hypothesis.rttm -o errors.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import diarspk
from diarspk.formats import read_rttm
from diarspk.metrics import draw_timeline


def main() -> None:
    """Read the command line, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("reference", type=Path)
    parser.add_argument("hypothesis", type=Path)
    parser.add_argument("--output", "-o", type=Path, help="picture of the errors, .svg")
    options = parser.parse_args()

    scores = diarspk.score(options.reference, options.hypothesis)
    errors = scores.pooled
    print(f"DER {errors.der:.1%} of {errors.total:.1f} s, JER {errors.jer:.1%}")
    print(f"miss {errors.miss:.1f} s, false alarm {errors.false_alarm:.1f} s, ", end="")
    print(f"confusion {errors.confusion:.1f} s")
    print(scores.convention)

    for convention in ("md-eval", "pyannote"):
        lenient = diarspk.score(
            options.reference, options.hypothesis, collar=0.25, convention=convention
        )
        print(f"as {convention} with a collar of 0.25: {lenient.der:.1%}")

    if options.output is not None:
        (reference,) = read_rttm(options.reference).values()
        (hypothesis,) = read_rttm(options.hypothesis).values()
        options.output.write_text(draw_timeline(reference, hypothesis), encoding="utf-8")


if __name__ == "__main__":
    main()
