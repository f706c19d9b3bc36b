"""Probe cues and synthesisers.

    python -m eval.probes carried --data FOLDER --systems diarspk resemblyzer controls
    python -m eval.probes robustness --data FOLDER --systems diarspk resemblyzer
    python -m eval.probes synthesis --data FOLDER --decoder decoder.json --judges diarspk
    python -m eval.probes synthesis --data FOLDER --synthesiser my_module:load

``python -m eval.probes robustness --help`` tells its options, and so do the others.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from diarspk.errors import ArgumentError
from eval.command_line import command, exclusive
from eval.probes import probing as carrying
from eval.probes import robustness as robust
from eval.probes.decoder import load_decoder
from eval.probes.degradation import degradations
from eval.probes.labels import draw_records, read_records
from eval.probes.protocol import (
    BootstrapSettings,
    ProbeSettings,
    run_carried,
)
from eval.probes.synthesis import SynthesisSystem
from eval.probes.synthesis_report import CONVENTION, format_report, probe_synthesis
from eval.probes.vectors import CONTROLS, chosen_utterances, load_reader
from eval.report.run_record import JsonReport

__all__ = ["main"]


SYNTHESIS = exclusive(required=True)


@dataclass(frozen=True)
class Carried:
    """Probe what each cue carries."""

    report: JsonReport
    probes: ProbeSettings
    bootstrap: BootstrapSettings
    data: Path
    """Folder of speech."""


@dataclass(frozen=True)
class Robustness:
    """Degrade utterances and see what becomes of each cue."""

    report: JsonReport
    bootstrap: BootstrapSettings
    data: Path
    """Folder of speech."""
    test: str = "dev"
    """Split of the speakers."""
    speakers: int = 100
    """Number of speakers."""
    each: int = 2
    """Number of utterances of each."""
    systems: tuple[str, ...] = ("diarspk", CONTROLS)
    """Encoders, and `controls`."""


@dataclass(frozen=True)
class Synthesis:
    """Probe a synthesiser: zeros, leakage, swap, sweeps."""

    report: JsonReport
    bootstrap: BootstrapSettings
    data: Path
    """Folder of speech."""
    decoder: Annotated[Path | None, SYNTHESIS] = None
    """Card of a decoder of recipes.conditioning."""
    synthesiser: Annotated[str | None, SYNTHESIS] = None
    """MODULE:FUNCTION that loads your own."""
    test: str = "dev"
    """Split of the speakers."""
    speakers: int = 40
    """Number of speakers."""
    each: int = 5
    """Number of utterances of each."""
    judges: tuple[str, ...] = ("diarspk", "resemblyzer")
    """Encoders that tell whose voice an output is."""
    fit: str = "train"
    """Split that the synthesiser was trained on."""
    profiles: int = 200
    """Number of speakers of that split."""


@command
def main(settings: Carried | Robustness | Synthesis) -> None:
    if isinstance(settings, Carried):
        found = run_carried(settings.data, settings.probes, settings.bootstrap)
        print(f"{carrying.format_carried(found)}\n\n{carrying.CONVENTION}")
        document = carrying.describe_carried(found)
    elif isinstance(settings, Robustness):
        document = probe_robustness(settings)
    else:
        document = probe_synthesiser(settings)
    settings.report.write(document)


def probe_robustness(settings: Robustness) -> dict[str, Any]:
    """Degrade utterances and see what becomes of each cue."""
    drawn = draw_records(
        read_records(settings.data, settings.test),
        settings.speakers,
        settings.each,
        seed=settings.bootstrap.seed,
    )
    utterances = list(chosen_utterances(settings.data, settings.test, drawn))
    ways = degradations([one.waveform for one in utterances])
    found = []
    for system in settings.systems:
        read, _ = load_reader(system)
        for one in robust.try_system(
            system,
            read,
            utterances,
            ways,
            seed=settings.bootstrap.seed,
            resamples=settings.bootstrap.resamples,
        ):
            found.append(one)
            print(
                f"{system} {one.cue}, {one.degradation}: cosine {one.cosine.value:.3f}, EER "
                f"{100 * one.equal_error_rate:.2f} %",
                file=sys.stderr,
            )
    print(f"{robust.format_robustness(found)}\n\n{robust.CONVENTION}")
    return robust.describe_robustness(found)


def probe_synthesiser(settings: Synthesis) -> dict[str, Any]:
    """Probe a synthesiser: zeros, leakage, swap, sweeps."""
    system = _load_synthesiser(settings)
    voices, trained = (
        [
            system.read(one)
            for one in chosen_utterances(
                settings.data,
                split,
                draw_records(
                    read_records(settings.data, split),
                    speakers,
                    settings.each,
                    seed=settings.bootstrap.seed,
                ),
            )
        ]
        for split, speakers in (
            (settings.test, settings.speakers),
            (settings.fit, settings.profiles),
        )
    )
    document = probe_synthesis(
        system,
        voices,
        trained,
        settings.judges,
        seed=settings.bootstrap.seed,
        resamples=settings.bootstrap.resamples,
    )
    print(f"{format_report(document)}\n\n{CONVENTION}")
    return document


def _load_synthesiser(settings: Synthesis) -> SynthesisSystem:
    if settings.decoder is not None:
        return load_decoder(settings.decoder)
    assert settings.synthesiser is not None  # one of them is required
    module, _, function = settings.synthesiser.partition(":")
    try:
        loaded: SynthesisSystem = getattr(import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise ArgumentError(
            f"`synthesiser` must be module:function, got {settings.synthesiser!r} ({error})"
        ) from error
    return loaded


if __name__ == "__main__":
    raise SystemExit(main())
