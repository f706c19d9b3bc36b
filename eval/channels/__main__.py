"""What a telephone does to verification: miss and false acceptance by the channels of a pair.

    python -m eval.channels --data ../shared/speech

Dev utterances as recorded, and as simulated telephone lines pass them on; trials are all pairs
within a corpus and sex. A pair is accepted at a calibrated probability of 1/2. The calibrations
were fitted on recorded voices alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.verification.metrics import cllr
from diarspk.verification.scoring import SCORINGS, PairScorer, Scoring, load_scorer
from eval.command_line import command, one_of
from eval.embeddings.speech import read_utterances
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport
from eval.simulate.telephone import draw_line
from eval.verification.speaker_groups import choose_utterances, read_facts

__all__ = ["ChannelRates", "compare_channels", "main"]

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class ChannelRates:
    """Errors of one scoring on pairs of two channels, in [0, 1], and Cllr in bits."""

    scoring: Scoring
    channels: str
    targets: int
    others: int
    miss_rate: float
    false_alarm_rate: float
    cllr: float


def compare_channels(
    recorded: Vectors,
    by_telephone: Vectors,
    speakers: NDArray[np.str_],
    groups: NDArray[np.str_],
    scorers: Mapping[Scoring, PairScorer],
) -> list[ChannelRates]:
    """Score all pairs of different utterances within a group, by each pair of channels."""
    first, second = np.triu_indices(len(speakers), k=1)
    inside = groups[first] == groups[second]
    first, second = first[inside], second[inside]
    labels = speakers[first] == speakers[second]
    sides = {
        "both recorded": (recorded, recorded),
        "both by telephone": (by_telephone, by_telephone),
        "one of each": (recorded, by_telephone),
    }
    found = []
    for scoring, scorer in scorers.items():
        for name, (one, other) in sides.items():
            ratios = scorer.log_likelihood_ratios(one[first], other[second])
            found.append(
                ChannelRates(
                    scoring,
                    name,
                    int(labels.sum()),
                    int((~labels).sum()),
                    float((ratios[labels] < 0).mean()),
                    float((ratios[~labels] >= 0).mean()),
                    cllr(ratios, labels),
                )
            )
    return found


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: Path
    """Folder of utterances in shards."""
    split: str = "dev"
    """Split of the speakers."""
    scorings: tuple[Annotated[Scoring, one_of(SCORINGS)], ...] = ("cosine", "cohort", "plda")
    """Ways to score."""
    speakers: int = 14
    """Most speakers of a group."""
    utterances: int = 4
    """Most utterances of a speaker."""
    seed: int = 0
    """Seed of the draws."""


@command
def main(settings: Settings) -> None:
    encoder = diarspk.load_encoder()
    facts = read_facts(settings.data / f"{settings.split}.tsv")
    chosen = choose_utterances(
        facts, speakers=settings.speakers, utterances=settings.utterances, seed=settings.seed
    )
    random = np.random.default_rng(settings.seed)
    names: list[str] = []
    recorded: list[Vectors] = []
    called: list[Vectors] = []
    for one in read_utterances(settings.data, settings.split, names=chosen):
        names.append(one.name)
        recorded.append(encoder.embed(one.waveform, SAMPLE_RATE))
        passed = draw_line(random).transmit(one.waveform, random)
        called.append(encoder.embed(passed, SAMPLE_RATE))
    speakers = np.array([facts[name].speaker for name in names])
    groups = np.array([chosen[name] for name in names])
    scorers = {name: load_scorer(encoder.fingerprint, name) for name in settings.scorings}
    found = compare_channels(np.stack(recorded), np.stack(called), speakers, groups, scorers)
    rows = [
        [
            one.scoring,
            one.channels,
            f"{one.targets}",
            f"{one.others}",
            f"{100 * one.miss_rate:.1f}",
            f"{100 * one.false_alarm_rate:.1f}",
            f"{one.cllr:.3f}",
        ]
        for one in found
    ]
    header = ["scoring", "channels", "targets", "others", "miss %", "false %", "Cllr"]
    print(markdown_table(header, rows))
    settings.report.write({"results": [asdict(one) for one in found]})


if __name__ == "__main__":
    raise SystemExit(main())
