"""Train one phase of a run whose settings are stored; goes on where it was interrupted.

    python -m recipes.zoo.train RUN train --devices 2

``python -m recipes.zoo.run`` starts this; it is a command of its own because data parallel
training starts it once more for every further device.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from eval.command_line import Positional, command, one_of
from recipes.zoo.settings import read_settings
from recipes.zoo.stages import PHASES, SETTINGS, last_trained
from recipes.zoo.training import fit


@dataclass(frozen=True)
class Options:
    run: Positional[Path]
    """Folder of the run."""
    phase: Positional[Annotated[str, one_of(PHASES)]]
    """Phase to train."""
    accelerator: str = "auto"
    """Where it is trained: cpu, gpu or auto."""
    devices: int = 1
    """Number of devices of each machine, data parallel."""
    nodes: int = 1
    """Number of machines, on each of which this command is started."""
    stop_at: int | None = None
    """Stop after so many steps; for tests."""


# Not of concern here: a front end that is frozen is in evaluation mode on purpose.
NOISE = ("Found .* in eval mode at the start", ".*LeafSpec.* is deprecated")


@command
def main(options: Options) -> None:
    for message in NOISE:
        warnings.filterwarnings("ignore", message)
    settings = read_settings(options.run / SETTINGS)
    fit(
        settings,
        options.phase,
        options.run / options.phase,
        start=last_trained(options.run, options.phase),
        stop_at=options.stop_at,
        accelerator=options.accelerator,
        devices=options.devices,
        nodes=options.nodes,
    )


if __name__ == "__main__":
    raise SystemExit(main())
