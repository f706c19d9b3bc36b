"""Probe cues and synthesisers.

python -m eval.probes carried --data FOLDER --systems diarspk resemblyzer controls --cache cues/
python -m eval.probes robustness --data FOLDER --systems diarspk resemblyzer
python -m eval.probes synthesis --data FOLDER --decoder decoder.json --judges diarspk resemblyzer
python -m eval.probes synthesis --data FOLDER --synthesiser my_module:load
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from diarspk.errors import ArgumentError, DiarspkError
from eval.probes import probing as carrying
from eval.probes import robustness as robust
from eval.probes.decoder import load_decoder
from eval.probes.degradation import degradations
from eval.probes.labels import draw_records, read_records
from eval.probes.protocol import add_carried_options, add_common_options, run_carried
from eval.probes.synthesis import SynthesisSystem
from eval.probes.synthesis_report import CONVENTION, format_report, probe_synthesis
from eval.probes.vectors import CONTROLS, chosen_utterances, load_reader
from eval.report.run_record import describe_run, write_json

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 if a file or a model cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        document = options.run(options)
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json is not None:
        write_json({**describe_run(), **document}, options.json)
    return 0


def carried(options: argparse.Namespace) -> dict[str, Any]:
    """Probe what each cue carries."""
    found = run_carried(options)
    print(f"{carrying.format_carried(found)}\n\n{carrying.CONVENTION}")
    return carrying.describe_carried(found)


def robustness(options: argparse.Namespace) -> dict[str, Any]:
    """Degrade utterances and see what becomes of each cue."""
    drawn = draw_records(
        read_records(options.data, options.test), options.speakers, options.each, seed=options.seed
    )
    utterances = list(chosen_utterances(options.data, options.test, drawn))
    ways = degradations([one.waveform for one in utterances])
    found = []
    for system in options.systems:
        read, _ = load_reader(system)
        for one in robust.try_system(
            system, read, utterances, ways, seed=options.seed, resamples=options.resamples
        ):
            found.append(one)
            print(
                f"{system} {one.cue}, {one.degradation}: cosine {one.cosine.value:.3f}, EER "
                f"{100 * one.equal_error_rate:.2f} %",
                file=sys.stderr,
            )
    print(f"{robust.format_robustness(found)}\n\n{robust.CONVENTION}")
    return robust.describe_robustness(found)


def synthesis(options: argparse.Namespace) -> dict[str, Any]:
    """Probe a synthesiser: zeros, leakage, swap, sweeps."""
    system = _load_synthesiser(options)
    voices, trained = (
        [
            system.read(one)
            for one in chosen_utterances(
                options.data,
                split,
                draw_records(
                    read_records(options.data, split), speakers, options.each, seed=options.seed
                ),
            )
        ]
        for split, speakers in ((options.test, options.speakers), (options.fit, options.profiles))
    )
    document = probe_synthesis(
        system, voices, trained, options.judges, seed=options.seed, resamples=options.resamples
    )
    print(f"{format_report(document)}\n\n{CONVENTION}")
    return document


def _load_synthesiser(options: argparse.Namespace) -> SynthesisSystem:
    if options.decoder is not None:
        return load_decoder(options.decoder)
    module, _, function = options.synthesiser.partition(":")
    try:
        loaded: SynthesisSystem = getattr(import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise ArgumentError(
            f"`synthesiser` must be module:function, got {options.synthesiser!r} ({error})"
        ) from error
    return loaded


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m eval.probes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="carried | robustness | synthesis")
    first, second, third = (
        commands.add_parser(run.__name__, help=run.__doc__)
        for run in (carried, robustness, synthesis)
    )
    for run, one in ((carried, first), (robustness, second), (synthesis, third)):
        one.set_defaults(run=run)
    add_carried_options(first)
    for one, speakers, each in ((second, 100, 2), (third, 40, 5)):
        one.add_argument("--data", type=Path, required=True, metavar="FOLDER")
        one.add_argument("--test", default="dev", metavar="SPLIT")
        one.add_argument("--speakers", type=int, default=speakers, metavar="N")
        one.add_argument("--each", type=int, default=each, metavar="N", help="utterances of each")
        add_common_options(one)
    second.add_argument("--systems", nargs="+", default=["diarspk", CONTROLS], metavar="SYSTEM")
    which = third.add_mutually_exclusive_group(required=True)
    which.add_argument("--decoder", type=Path, metavar="CARD", help="of recipes.conditioning")
    which.add_argument("--synthesiser", metavar="MODULE:FUNCTION", help="your own")
    third.add_argument("--judges", nargs="+", default=["diarspk", "resemblyzer"], metavar="ENCODER")
    third.add_argument("--fit", default="train", metavar="SPLIT", help="it was trained on this")
    third.add_argument("--profiles", type=int, default=200, metavar="N", help="speakers of that")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
