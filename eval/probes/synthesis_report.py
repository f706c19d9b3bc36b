"""All probes of a synthesiser by several judges, as tables and as JSON holds them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from eval.probes.conditioning import probe_swap, probe_zero
from eval.probes.judges import Judge, load_judge, remember
from eval.probes.leakage import probe_leakage, separation
from eval.probes.similarity import profiles_of
from eval.probes.sweep import sweep_mean, sweep_norm
from eval.probes.synthesis import SynthesisSystem, Voice
from eval.report.cells import number_cell
from eval.report.markdown import markdown_table

__all__ = ["CONVENTION", "format_report", "probe_synthesis"]

CONVENTION = (
    "Cosines by the named judge, of outputs to the real recordings of a speaker (unit mean); a "
    "judge that made the cues itself is marked *. Transfer: 0 where the output keeps the voice it "
    "has with its own cue, 1 where it is as near the cue's speaker as that speaker's own content "
    "and cue. Entropy: of the nearest training speaker at a cue of zeros. Leakage: balanced "
    "accuracy of a linear probe for the content's speaker, % (Stan and O'Mahony, 2023)."
)

ZERO = ("similarity", "nearest_similarity", "entropy_bits", "entropy_share", "commonest_share")
SWAP = ("supplied", "original", "nearer_supplied", "transfer", "same", "different")
SWEEP = ("own", "others", "agreement", "distance")


def probe_synthesis(
    system: SynthesisSystem,
    voices: Sequence[Voice],
    trained: Sequence[Voice],
    judges: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 200,
) -> dict[str, Any]:
    """Run every probe; the document as JSON holds it.

    Parameters
    ----------
    voices : sequence of Voice
        To speak with; some speakers need two utterances.
    trained : sequence of Voice
        Of speakers that the synthesiser was trained on.
    judges : sequence of str
        Names of encoders.
    """
    leakage = probe_leakage(system, voices, seed=seed, resamples=resamples)
    found = []
    for name in judges:
        print(f"judge {name}", file=sys.stderr)
        judge = remember(load_judge(name))
        swap = probe_swap(system, voices, judge, seed=seed)
        found.append(
            {
                "judge": name,
                "made_the_cues": name == system.encoder,
                "zero": asdict(probe_zero(system, voices, judge, _profiles(trained, judge))),
                "swap": asdict(swap),
                "sweep": [
                    asdict(one)
                    for one in (
                        *sweep_norm(system, voices, judge),
                        *sweep_mean(system, voices, judge),
                    )
                ],
                "separation": separation(swap, leakage),
            }
        )
    return {
        "convention": CONVENTION,
        "encoder": system.encoder,
        "voices": len(voices),
        "leakage": [one.as_dict() for one in leakage],
        "judges": found,
    }


def format_report(document: dict[str, Any]) -> str:
    """Markdown tables: zeros, swap, sweeps, leakage."""
    names = [one["judge"] + ("*" if one["made_the_cues"] else "") for one in document["judges"]]
    both = list(zip(names, document["judges"], strict=True))
    extra = ("agreement", "found_source", "chance")
    tables = [
        markdown_table(
            ["zero cue", *(name.replace("_", " ") for name in (*ZERO, *extra))],
            [
                [name, *(number_cell(one["zero"][key], 3) for key in (*ZERO, *extra))]
                for name, one in both
            ],
        ),
        markdown_table(
            ["swap", *(name.replace("_", " ") for name in SWAP), "separation"],
            [
                [
                    name,
                    *(number_cell(one["swap"][key], 3) for key in SWAP),
                    number_cell(one["separation"], 3),
                ]
                for name, one in both
            ],
        ),
        markdown_table(
            ["sweep", "judge", "value", *SWEEP],
            [
                [
                    point["kind"],
                    name,
                    f"{point['value']:g}",
                    *(number_cell(point[key], 3) for key in SWEEP),
                ]
                for name, one in both
                for point in one["sweep"]
            ],
        ),
    ]
    rows = [
        [
            one["cue"],
            *(f"{100 * one[key]:.1f}" for key in ("value", "low", "high", "chance", "shuffled")),
        ]
        for one in document["leakage"]
    ]
    if rows:
        header = ["leakage of the speaker, %", "accuracy", "low", "high", "chance", "shuffled"]
        tables.append(markdown_table(header, rows))
    return "\n\n".join(tables)


def _profiles(trained: Sequence[Voice], judge: Judge) -> Any:
    return profiles_of(trained, judge) if trained else None
