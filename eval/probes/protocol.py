"""The protocol of what cues carry: fit on one split, test on another, for every system."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.probes.labels import draw_records, read_records
from eval.probes.probing import CarriedCue, ProbeData, probe_system
from eval.probes.vectors import CONTROLS, Cues, read_cues

__all__ = ["BootstrapSettings", "ProbeSettings", "run_carried"]


@dataclass(frozen=True)
class ProbeSettings:
    """Probes: what is read and asked."""

    systems: tuple[str, ...] = ("diarspk", CONTROLS)
    """Encoders, and `controls`."""
    fit: str = "train"
    """Split that probes are fitted on."""
    test: str = "dev"
    """Split of speakers that no encoder was trained on."""
    speakers: int = 500
    """Number of speakers to fit on."""
    each: int = 2
    """Number of utterances of each of these."""
    test_speakers: int | None = None
    """Number of speakers to test on; none: all of the split."""
    test_each: int | None = None
    """Number of utterances of each of these; none: all."""
    cache: Path | None = None
    """Folder to keep cues in."""


@dataclass(frozen=True)
class BootstrapSettings:
    """Intervals of the figures."""

    resamples: int = 200
    """Number of resamples of the bootstrap."""
    seed: int = 0
    """Seed of the draws and the bootstrap."""


def run_carried(
    folder: Path, probes: ProbeSettings, bootstrap: BootstrapSettings
) -> list[CarriedCue]:
    """Read the cues of both splits of a folder of speech, and ask every question of them."""
    seed = bootstrap.seed
    parts = [
        draw_records(read_records(folder, probes.fit), probes.speakers, probes.each, seed=seed),
        draw_records(
            read_records(folder, probes.test), probes.test_speakers, probes.test_each, seed=seed
        ),
    ]
    records = [one for part in parts for one in part]
    held_out = np.repeat([False, True], [len(part) for part in parts])

    def read(system: str) -> Cues:
        sides = [
            read_cues(folder, split, part, system, cache=probes.cache)
            for split, part in zip((probes.fit, probes.test), parts, strict=True)
        ]
        return {name: np.concatenate([side[name] for side in sides]) for name in sides[0]}

    controls = read(CONTROLS)
    data = ProbeData(records, held_out, controls["prosody"])
    found = []
    for system in probes.systems:
        cues = controls if system == CONTROLS else read(system)
        found += probe_system(system, cues, data, seed=seed, resamples=bootstrap.resamples)
        print(f"{system}: probed", file=sys.stderr)
    return found
