"""How often a second voice in an enrolment is told, and how often one that is not there.

    python -m eval.extraction.enrolments --data ../shared --count 40

Utterances of development speakers, cut to each length: one voice; two voices in turn, the second in
the last third; and two at once, the second 3 dB lower. They are told by
:func:`tse.enrolment_check.find_second_voice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.embeddings.speech import Utterance, read_utterances
from eval.report.markdown import markdown_table
from eval.report.progress import follow
from eval.report.run_record import JsonReport
from tse.enrolment_check import MIN_SECOND_S, find_second_voice

__all__ = ["KINDS", "draw", "main"]

Samples = NDArray[np.float32]

KINDS = ("one voice", "two in turn", "two at once")

SECOND_DB = -3.0
"""Level of the second voice of two at once."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder with speech/."""
    split: str = "dev"
    """Split of the speakers."""
    seconds: tuple[float, ...] = (3.0, 6.0)
    """Lengths of the enrolments."""
    count: int = 40
    """Enrolments of each kind and length."""
    seed: int = 0
    """Seed of what is drawn."""


@command
def main(settings: Settings) -> None:
    diarizer = diarspk.Diarizer()
    utterances = list(read_utterances(settings.data / "speech", settings.split))
    shares: dict[str, dict[str, float]] = {}
    for seconds in follow(settings.seconds, "lengths"):
        generator = np.random.default_rng([settings.seed, round(seconds * 1000)])
        long = [one for one in utterances if len(one.waveform) >= seconds * SAMPLE_RATE]
        shares[f"{seconds:g}"] = {
            kind: float(
                np.mean(
                    [
                        find_second_voice(draw(long, kind, seconds, generator), diarizer)
                        >= MIN_SECOND_S
                        for _ in range(settings.count)
                    ]
                )
            )
            for kind in KINDS
        }
    rows = [
        [seconds, *(f"{100 * share:.0f}" for share in own.values())]
        for seconds, own in shares.items()
    ]
    print(markdown_table(["seconds", *(f"{kind}, told %" for kind in KINDS)], rows))
    settings.report.write({"told": shares})


def draw(
    utterances: Sequence[Utterance], kind: str, seconds: float, generator: np.random.Generator
) -> Samples:
    """Draw an enrolment of a kind, ``(time,)``.

    Raises
    ------
    ArgumentError
        If there are not two speakers.
    """
    if len({one.speaker for one in utterances}) < 2:
        raise ArgumentError(f"`seconds` must be shorter, two speakers have no {seconds:g} s")
    samples = round(seconds * SAMPLE_RATE)
    first = utterances[int(generator.integers(len(utterances)))]
    others = [one for one in utterances if one.speaker != first.speaker]
    one = first.waveform[:samples]
    other = others[int(generator.integers(len(others)))].waveform[:samples]
    if kind == "one voice":
        return one
    if kind == "two in turn":
        return np.concatenate([one[: samples * 2 // 3], other[: samples - samples * 2 // 3]])
    levels = [float(np.sqrt(np.mean(voice**2))) for voice in (one, other)]
    gain = levels[0] / max(levels[1], 1e-9) * 10 ** (SECOND_DB / 20)
    return np.asarray(one + np.float32(gain) * other)


if __name__ == "__main__":
    raise SystemExit(main())
