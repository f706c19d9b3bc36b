"""Train one phase of a run whose settings are stored; goes on where it was interrupted.

    python -m recipes.zoo.train RUN train --devices 2

``python -m recipes.zoo.run`` starts this; it is a command of its own because data parallel
training starts it once more for every further device.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recipes.zoo.settings import read_settings
from recipes.zoo.stages import PHASES, SETTINGS
from recipes.zoo.training import FINAL, fit


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recipes.zoo.train", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--stop-at", type=int, help="stop after so many steps; for tests")
    options = parser.parse_args()
    settings = read_settings(options.run / SETTINGS)
    start = options.run / "train" / FINAL if options.phase != "train" else None
    fit(
        settings,
        options.phase,
        options.run / options.phase,
        start=start,
        stop_at=options.stop_at,
        accelerator=options.accelerator,
        devices=options.devices,
    )


if __name__ == "__main__":
    main()
