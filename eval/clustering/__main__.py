"""Time and peak memory of every clusterer on sessions of growing length.

    python -m eval.clustering --sizes 1000 10000 50000 200000 --json clustering.json

Every measurement is a process of its own on made-up embeddings: speakers who take turns, and pairs
of windows that cannot be one speaker.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from eval.clustering.clusterers import CLUSTERERS
from eval.clustering.scaling import Cost, measure, run_one
from eval.report.markdown import markdown_table
from eval.report.run_record import describe_run, write_json

__all__ = ["main"]

HEADER = ("clusterer", "embeddings", "seconds", "memory MB", "MB less input", "speakers", "pure %")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every measurement ended in time."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        print(json.dumps(asdict(run_one(options.one, options.sizes[0]))))
        return 0
    costs = []
    for cost in _measure_all(options.clusterers, options.sizes, options.limit):
        costs.append(cost)
        print(f"{cost.clusterer} {cost.embeddings}: {_seconds(cost)} s", file=sys.stderr)
    print(markdown_table(HEADER, [_row(cost) for cost in costs]))
    if options.json is not None:
        report = {"limit_s": options.limit, "results": [asdict(cost) for cost in costs]}
        write_json({**describe_run(), **report}, options.json)
    return 0 if all(cost.seconds is not None for cost in costs) else 1


def _measure_all(names: Sequence[str], sizes: Sequence[int], limit_s: float) -> Iterator[Cost]:
    for name in names:
        for count in sizes:
            yield measure(name, count, limit_s=limit_s)


def _row(cost: Cost) -> list[str]:
    if cost.seconds is None:
        return [cost.clusterer, str(cost.embeddings), *["-"] * 5]
    figures = (f"{cost.megabytes:.0f}", f"{cost.own_megabytes:.0f}", str(cost.speakers))
    purity = f"{100 * cost.purity:.1f}"
    return [cost.clusterer, str(cost.embeddings), _seconds(cost), *figures, purity]


def _seconds(cost: Cost) -> str:
    return "-" if cost.seconds is None else f"{cost.seconds:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.clustering", description=__doc__)
    add = parser.add_argument
    sizes = [1000, 10_000, 50_000, 200_000]
    add("--sizes", type=int, nargs="+", default=sizes, metavar="N", help="embeddings")
    add("--clusterers", nargs="+", default=list(CLUSTERERS), choices=CLUSTERERS, metavar="NAME")
    add("--limit", type=float, default=600.0, metavar="SECONDS", help="longest measurement")
    add("--json", type=Path, metavar="FILE", help="figures, machine, versions, command")
    add("--one", choices=CLUSTERERS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
