r"""Measure many encoders, and correlate verification with diarization.

    python -m eval.correlation --data ../shared/conversations/ami \
        ../shared/conversations/simulated --speech ../shared/speech --output correlation/

Vectors are stored in the output folder: run the same command again after an interruption.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from diarspk.errors import ArgumentError, DiarspkError
from eval.correlation.association import MIN_ENCODERS
from eval.correlation.encoders import (
    DEFAULT_ENCODERS,
    EncoderSpecification,
    check_names,
    read_encoders,
)
from eval.correlation.report import analyse, draw_scatter, format_study, write_html
from eval.correlation.study import DER_MEASURES, Measured, Study
from eval.diarization.conversations import read_conversations
from eval.embeddings.speech import read_utterances
from eval.report.run_record import describe_run, write_json

__all__ = ["main"]

CONVENTION = (
    "EER conventional: all pairs of whole utterances of single speakers. Other EER: trials inside "
    "sessions, segments of 1.5 s embedded alone, pooled. DER: windows of 1.5 s every 0.75 s of "
    "speech "
    "(oracle: of the reference; system: of the diarizer named in the report), clustered into the "
    "reference's number of speakers by average linkage (known) or a number of their own by NME-SC "
    "(estimated), one speaker at a time, collar 0, overlap scored, pooled. Coefficients in "
    "brackets hold 95 % of a bootstrap over encoders; the partial one is Spearman's given the "
    "conventional EER (for that one, given the combined list's). Encoders that share their source "
    "are not independent: the intervals are too narrow for encoders at large."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a file cannot be read."""
    options = _parser().parse_args(arguments)
    start = time.perf_counter()
    try:
        encoders = _choose(options)
        study = Study(
            conversations=[
                one
                for folder in options.data
                for one in read_conversations(folder)[: options.recordings]
            ],
            utterances=list(read_utterances(options.speech, options.split))[: options.utterances],
            folder=options.output / "kept",  # as earlier runs have it
            activity=options.activity,
            seed=options.seed,
        )
        results = []
        for one in study.run(encoders):
            results.append(one)
            print(f"{one.encoder}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        _write(results, options, time.perf_counter() - start)
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _choose(options: argparse.Namespace) -> tuple[EncoderSpecification, ...]:
    encoders = DEFAULT_ENCODERS if options.encoders is None else read_encoders(options.encoders)
    for text in options.checkpoint:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ArgumentError(f"`--checkpoint` must be NAME=PATH, got {text!r}")
        encoders = (*encoders, EncoderSpecification(name, source=path))
    if options.only:
        known = [one.name for one in encoders]
        if unknown := [name for name in options.only if name not in known]:
            raise ArgumentError(f"`--only` must be among {', '.join(known)}, got {unknown}")
        encoders = tuple(one for one in encoders if one.name in options.only)
    check_names(encoders)
    return encoders


def _write(results: list[Measured], options: argparse.Namespace, seconds: float) -> None:
    analysis = (
        analyse(results, resamples=options.resamples, seed=options.seed)
        if len(results) >= MIN_ENCODERS
        else None
    )
    run = describe_run()
    text = format_study(results, analysis)
    note = f"System speech is that of `{options.activity}`. This run took {seconds:.0f} s."
    output: Path = options.output
    command = f"`{run['command']}`"
    (output / "correlation.md").write_text(
        f"{text}\n\n{CONVENTION}\n\n{note}\n\n{command}\n", encoding="utf-8"
    )
    pictures = {measure: draw_scatter(results, measure) for measure in DER_MEASURES}
    for measure, picture in pictures.items():
        path = output / f"{measure.replace(' ', '-')}.svg"
        path.write_text(picture, encoding="utf-8")
    write_html(results, analysis, pictures, [CONVENTION, note, command], output / "index.html")
    write_json(
        {
            **run,
            "convention": CONVENTION,
            "activity": options.activity,
            "seconds": seconds,
            "encoders": [asdict(one) for one in results],
            "analysis": None if analysis is None else analysis.as_dict(),
        },
        output / "correlation.json",
    )
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m eval.correlation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, metavar="FOLDER", help="conversations")
    add("--speech", type=Path, required=True, metavar="FOLDER", help="single-speaker utterances")
    add("--split", default="dev")
    add("--output", type=Path, required=True, metavar="FOLDER")
    add("--encoders", type=Path, metavar="JSON", help="a list in place of the built-in one")
    add("--checkpoint", nargs="+", default=[], metavar="NAME=PATH", help="more encoders")
    add("--only", nargs="+", metavar="NAME", help="leave out the other encoders")
    add("--activity", default="diarspk", metavar="SYSTEM", help="whose speech the system's is")
    add("--recordings", type=int, metavar="N", help="only so many of each folder")
    add("--utterances", type=int, metavar="N", help="only so many")
    add("--resamples", type=int, default=1000, metavar="N", help="of the bootstrap")
    add("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
