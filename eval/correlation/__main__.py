r"""Measure many encoders, and correlate verification with diarization.

    python -m eval.correlation --data ../shared --output correlation/ \
        --plot correlation/predictors.svg

DATA holds ``speech/``, ``noise/`` and ``conversations/``, as ``eval.simulate`` takes it. Sessions
are simulated, small networks trained, and vectors stored in the output folder: run the same command
again after an interruption, or with more sessions. An encoder that is not here is left out, with a
line that says why.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.correlation.analysis import analyse
from eval.correlation.association import MIN_ENCODERS
from eval.correlation.default_encoders import DEFAULT_ENCODERS, ZOO, zoo_encoders
from eval.correlation.diarizing import STEP_S
from eval.correlation.loading import Places, why_missing
from eval.correlation.measures import EncoderFigures
from eval.correlation.plot import plot_predictors
from eval.correlation.report import CONVENTION, format_study
from eval.correlation.resampling import resample
from eval.correlation.specification import EncoderSpecification, check_names, read_encoders
from eval.correlation.study import Study
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_conversations
from eval.embeddings.speech import read_utterances
from eval.report.progress import follow
from eval.report.run_record import describe_run, write_json, write_text
from eval.simulate.__main__ import write_set
from eval.simulate.settings import SimulationConfig
from eval.simulate.writing import SimulatedSet

__all__ = ["main"]

TEMPLATES = ("ami-dev", "voxconverse-dev")
SIMULATION_SEED = 38


@dataclass(frozen=True)
class Settings:
    data: Path
    """Folder of speech, noise and conversations."""
    output: Path
    """Folder of the page, and of what an interrupted run has done."""
    recorded: Sequence[Path] = ()
    """Folders of recorded conversations; none: conversations/ami of the data."""
    sessions: int = 200
    """Number of sessions that are simulated, of speakers of the split."""
    seconds: float = 60.0
    """Length of each of them."""
    split: str = "dev"
    """Split of the speech."""
    step: float = STEP_S
    """Seconds from one window of 1.5 s to the next."""
    encoders: Path | None = None
    """JSON list of encoders, in place of the built-in one."""
    checkpoint: Sequence[str] = ()
    """NAME=PATH of further encoders."""
    zoo: Sequence[str] = ZOO
    """ARCHITECTURE/STEPS: networks of the built-in list that recipes.zoo trains."""
    only: Sequence[str] = ()
    """Names of encoders; the others are left out."""
    activity: str = "diarspk"
    """System whose speech is that of systems, in recorded conversations; empty: none."""
    utterances: int | None = None
    """Number of utterances; none: all."""
    resamples: int = 1000
    """Number of resamples of the bootstrap."""
    seed: int = 0
    """Seed of trials and bootstrap."""
    plot: Path | None = None
    """SVG file for a picture."""

    def __post_init__(self) -> None:
        if self.sessions < 2:
            raise ArgumentError(f"`sessions` must be 2 or more, got {self.sessions}")


@command
def main(settings: Settings) -> None:
    """Run the command line; 1 if a file cannot be read."""
    start = time.perf_counter()
    chosen = _choose(settings)  # what is wrong with the options is told first
    recorded, simulated = _read_sessions(settings)
    places = Places(settings.data / "speech", settings.output / "encoders")
    encoders, skipped = _present(chosen, places)
    study = Study(
        recorded,
        simulated,
        list(read_utterances(settings.data / "speech", settings.split))[: settings.utterances],
        places,
        settings.output / "kept",
        activity=settings.activity,
        step_s=settings.step,
        seed=settings.seed,
    )
    pairs = len(encoders) * len(study.conversations)
    for _ in follow(study.embed(encoders), "embedding", pairs):
        pass
    figures = list(follow(study.measure(encoders), "measuring", len(encoders)))
    _write(study, figures, skipped, settings, time.perf_counter() - start)


def _choose(settings: Settings) -> list[EncoderSpecification]:
    if settings.encoders is None:
        declared = (one for one in DEFAULT_ENCODERS if one.kind != "zoo")
        encoders = [*declared, *zoo_encoders(settings.zoo)]
    else:
        encoders = list(read_encoders(settings.encoders))
    for text in settings.checkpoint:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ArgumentError(f"`--checkpoint` must be NAME=PATH, got {text!r}")
        encoders.append(EncoderSpecification(name, source=path))
    if settings.only:
        known = [one.name for one in encoders]
        if unknown := [name for name in settings.only if name not in known]:
            raise ArgumentError(f"`--only` must be among {', '.join(known)}, got {unknown}")
        encoders = [one for one in encoders if one.name in settings.only]
    check_names(encoders)
    return encoders


def _present(
    chosen: Sequence[EncoderSpecification], places: Places
) -> tuple[list[EncoderSpecification], list[str]]:
    """Find the encoders that can be loaded, and say a line for each of the others."""
    encoders, skipped = [], []
    for one in follow(chosen, "encoders"):
        if reason := why_missing(one, places):
            skipped.append(f"{one.name}: {reason}")
            say(f"left out: {one.name}: {reason}")
        else:
            encoders.append(one)
    if not encoders:
        raise ArgumentError("none of the encoders is here; the lines above say why")
    return encoders, skipped


def _read_sessions(settings: Settings) -> tuple[list[Conversation], list[Conversation]]:
    folders = settings.recorded or [settings.data / "conversations" / "ami"]
    recorded = [one for folder in folders for one in read_conversations(folder)]
    folder = settings.output / "sessions"
    made = SimulatedSet(
        settings.split, TEMPLATES, SIMULATION_SEED, SimulationConfig(seconds=settings.seconds)
    )
    write_set(settings.data, folder, made, settings.sessions)
    simulated = read_conversations(folder)[: settings.sessions]
    names = [one.name for one in (*recorded, *simulated)]
    if len(set(names)) < len(names):
        raise ArgumentError(
            "`recorded` must have recordings of different names, and none of those that are "
            f"simulated, got {next(name for name in names if names.count(name) > 1)} twice"
        )
    return recorded, simulated


def _write(
    study: Study,
    figures: Sequence[EncoderFigures],
    skipped: Sequence[str],
    settings: Settings,
    seconds: float,
) -> None:
    found = analysis = None
    if len(figures) >= MIN_ENCODERS:
        found = resample(
            figures,
            (len(study.recorded), len(study.simulated)),
            resamples=settings.resamples,
            seed=settings.seed,
            follow=follow(range(settings.resamples), "resampling"),
        )
        analysis = analyse(found)
    data = _describe(study, figures, settings)
    text = "\n\n".join([data, format_study(figures, analysis, skipped), CONVENTION])
    run = describe_run()
    write_text(
        f"# EER and DER\n\n{text}\n\n`{run['command']}`\n", settings.output / "correlation.md"
    )
    write_json(
        {
            **run,
            "data": data,
            "convention": CONVENTION,
            "seconds": seconds,
            "skipped": list(skipped),
            "encoders": [
                {
                    **{name: getattr(one, name) for name in ("encoder", "origin", "degraded")},
                    "measures": one.measure(),
                }
                for one in figures
            ],
            "analysis": None if analysis is None else analysis.as_dict(),
        },
        settings.output / "correlation.json",
    )
    if settings.plot is not None:
        plot_predictors(figures, settings.plot)
    print(text)


def _describe(study: Study, figures: Sequence[EncoderFigures], settings: Settings) -> str:
    people = len({one.speaker for one in study.utterances})
    trials = sum(len(lists["combined"]) for lists in study.trials.values())
    return (
        f"{len(figures)} encoders of {len({one.origin for one in figures})} origins, in "
        f"{len(study.recorded)} recorded sessions and {len(study.simulated)} simulated ones of "
        f"{settings.seconds:g} s (speakers of the {settings.split} split, turn-taking of "
        f"{' and '.join(TEMPLATES)}, seed {SIMULATION_SEED}): {trials:,} trials inside sessions, "
        f"windows every {settings.step:g} s; {len(study.utterances)} utterances of {people} people "
        f"for eer conventional. Speech of the system: "
        f"{f'`{settings.activity}`' if settings.activity else 'none'}."
    )


if __name__ == "__main__":
    raise SystemExit(main())
