"""The protocol of what cues carry: fit on one split, test on another, for every system."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from eval.probes.labels import draw_records, read_records
from eval.probes.probing import CarriedCue, ProbeData, probe_system
from eval.probes.vectors import CONTROLS, Cues, read_cues

__all__ = ["add_carried_options", "add_common_options", "run_carried"]


def run_carried(options: argparse.Namespace) -> list[CarriedCue]:
    """Read the cues of both splits and ask every question of them; see the options."""
    folder, seed = options.data, options.seed
    parts = [
        draw_records(read_records(folder, options.fit), options.speakers, options.each, seed=seed),
        draw_records(
            read_records(folder, options.test), options.test_speakers, options.test_each, seed=seed
        ),
    ]
    records = [one for part in parts for one in part]
    held_out = np.repeat([False, True], [len(part) for part in parts])

    def read(system: str) -> Cues:
        sides = [
            read_cues(folder, split, part, system, cache=options.cache)
            for split, part in zip((options.fit, options.test), parts, strict=True)
        ]
        return {name: np.concatenate([side[name] for side in sides]) for name in sides[0]}

    controls = read(CONTROLS)
    data = ProbeData(records, held_out, controls["prosody"])
    found = []
    for system in options.systems:
        cues = controls if system == CONTROLS else read(system)
        found += probe_system(system, cues, data, seed=seed, resamples=options.resamples)
        print(f"{system}: probed", file=sys.stderr)
    return found


def add_carried_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the options that decide what is read and probed."""
    add = parser.add_argument
    add("--data", type=Path, required=required, metavar="FOLDER", help="speech, for the probes")
    add("--systems", nargs="+", default=["diarspk", CONTROLS], metavar="SYSTEM")
    add("--fit", default="train", metavar="SPLIT", help="fit probes on this split")
    add("--test", default="dev", metavar="SPLIT", help="speakers that no encoder was trained on")
    add("--speakers", type=int, default=500, metavar="N", help="to fit on")
    add("--each", type=int, default=2, metavar="N", help="utterances of each of these")
    add("--test-speakers", type=int, metavar="N", help="to test on; all of the split without it")
    add("--test-each", type=int, metavar="N", help="utterances of each speaker to test on")
    add("--cache", type=Path, metavar="FOLDER", help="keep the cues here")
    add_common_options(parser)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the bootstrap, the seed and the file."""
    add = parser.add_argument
    add("--resamples", type=int, default=200, metavar="N", help="of the bootstrap")
    add("--seed", type=int, default=0)
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
