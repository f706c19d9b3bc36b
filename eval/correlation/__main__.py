r"""Measure many encoders, and correlate verification with diarization.

    python -m eval.correlation --data ../shared/conversations/ami \
        ../shared/conversations/simulated --speech ../shared/speech --output correlation/

Vectors are stored in the output folder: run the same command again after an interruption.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from diarspk.errors import ArgumentError
from eval.command_line import command
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
from eval.report.run_record import describe_run, write_json, write_text

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


@dataclass(frozen=True)
class Settings:
    data: tuple[Path, ...]
    """Folders of conversations."""
    speech: Path
    """Folder of utterances of single speakers."""
    output: Path
    """Folder of the report, and of what an interrupted run has done."""
    split: str = "dev"
    """Split of the utterances."""
    encoders: Path | None = None
    """JSON list of encoders, in place of the built-in one."""
    checkpoint: tuple[str, ...] = ()
    """NAME=PATH of further encoders."""
    only: tuple[str, ...] = ()
    """Names of encoders; the others are left out."""
    activity: str = "diarspk"
    """System whose speech is that of systems."""
    recordings: int | None = None
    """Number of recordings of each folder; none: all."""
    utterances: int | None = None
    """Number of utterances; none: all."""
    resamples: int = 1000
    """Number of resamples of the bootstrap."""
    seed: int = 0
    """Seed of trials and bootstrap."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 1 if a file cannot be read."""
    start = time.perf_counter()
    encoders = _choose(settings)
    study = Study(
        conversations=[
            one
            for folder in settings.data
            for one in read_conversations(folder)[: settings.recordings]
        ],
        utterances=list(read_utterances(settings.speech, settings.split))[: settings.utterances],
        folder=settings.output / "kept",  # as earlier runs have it
        activity=settings.activity,
        seed=settings.seed,
    )
    results = []
    for one in study.run(encoders):
        results.append(one)
        print(f"{one.encoder}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    _write(results, settings, time.perf_counter() - start)


def _choose(settings: Settings) -> tuple[EncoderSpecification, ...]:
    encoders = DEFAULT_ENCODERS if settings.encoders is None else read_encoders(settings.encoders)
    for text in settings.checkpoint:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ArgumentError(f"`--checkpoint` must be NAME=PATH, got {text!r}")
        encoders = (*encoders, EncoderSpecification(name, source=path))
    if settings.only:
        known = [one.name for one in encoders]
        if unknown := [name for name in settings.only if name not in known]:
            raise ArgumentError(f"`--only` must be among {', '.join(known)}, got {unknown}")
        encoders = tuple(one for one in encoders if one.name in settings.only)
    check_names(encoders)
    return encoders


def _write(results: list[Measured], settings: Settings, seconds: float) -> None:
    analysis = (
        analyse(results, resamples=settings.resamples, seed=settings.seed)
        if len(results) >= MIN_ENCODERS
        else None
    )
    run = describe_run()
    text = format_study(results, analysis)
    note = f"System speech is that of `{settings.activity}`. This run took {seconds:.0f} s."
    output: Path = settings.output
    command = f"`{run['command']}`"
    write_text(f"{text}\n\n{CONVENTION}\n\n{note}\n\n{command}\n", output / "correlation.md")
    pictures = {measure: draw_scatter(results, measure) for measure in DER_MEASURES}
    for measure, picture in pictures.items():
        write_text(picture, output / f"{measure.replace(' ', '-')}.svg")
    write_html(results, analysis, pictures, [CONVENTION, note, command], output / "index.html")
    write_json(
        {
            **run,
            "convention": CONVENTION,
            "activity": settings.activity,
            "seconds": seconds,
            "encoders": [asdict(one) for one in results],
            "analysis": None if analysis is None else analysis.as_dict(),
        },
        output / "correlation.json",
    )
    print(text)


if __name__ == "__main__":
    raise SystemExit(main())
