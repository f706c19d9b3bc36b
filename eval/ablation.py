"""What each part of the diarizer brings: the default, and the default with one part left out.

    python -m eval.ablation --data ../shared/conversations/ami ../shared/conversations/simulated

All variants read the same passes over the recordings, but for the one with another detector.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from pyannote.core import Annotation

from diarspk.adaptation import Adaptation, Prefix
from diarspk.clustering import AgglomerativeClusterer
from diarspk.diarizer import Diarizer, DiarizerConfig
from diarspk.errors import DiarspkError
from diarspk.finishing import finish
from diarspk.linking import LinkingConfig
from diarspk.models import SILERO, load_segmenter
from diarspk.scoring import Components, score
from eval.listening import Heard, add_listening_options, listen
from eval.report import describe_run, markdown_table, write_json

__all__ = ["VARIANTS", "Ablated", "Variant", "ablate", "main"]

HEADER = ("set", "variant", "DER %", "miss %", "false alarm %", "confusion %", "count right")
CONVENTION = "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names."


@dataclass(frozen=True)
class Variant:
    """A way to diarize.

    Attributes
    ----------
    name : str
    config : DiarizerConfig
    segmentation : str, optional
        What finds speech, where it is not the embedded activity head.
    overlap : bool
        Whether two may talk at once in the result.
    """

    name: str
    config: DiarizerConfig = field(default_factory=DiarizerConfig)
    segmentation: str | None = None
    overlap: bool = True


def _by_average_linkage(threshold: float, adaptation: Adaptation) -> DiarizerConfig:
    clusterer = AgglomerativeClusterer(threshold, "average")
    return DiarizerConfig(clusterer, "subsegments", linking=LinkingConfig(adaptation))


VARIANTS = (
    Variant("default"),
    Variant("one speaker at a time", overlap=False),
    Variant("no resegmentation", DiarizerConfig(resegmentation=None)),
    Variant("local speakers of windows clustered, no subsegments", DiarizerConfig(units="local")),
    Variant("Silero VAD and pooled windows of 1.5 s", segmentation=SILERO),
    Variant("average linkage at 0.8, all 192 dimensions", _by_average_linkage(0.8, Adaptation())),
    Variant("average linkage at 0.7, first 20", _by_average_linkage(0.7, Adaptation(Prefix(20)))),
)
"""Thresholds are the better ones of 0.6, 0.7 and 0.8: see eval/results/README.md."""


@dataclass(frozen=True)
class Ablated:
    """One variant on one set."""

    collection: str
    variant: str
    components: Components
    right_counts: int
    recordings: int


def ablate(collection: str, heard: Sequence[Heard], variant: Variant) -> Ablated:
    """Finish every session of a set as a variant has it, and score the outcome."""
    total, right = Components(), 0
    for item in heard:
        conversation, result = item.conversation, finish(item.session, variant.config)
        found: Annotation = result.annotation if variant.overlap else result.exclusive
        reference, name = conversation.reference, conversation.name
        total += score({name: reference}, {name: found}, {name: conversation.uem}).pooled
        right += conversation.count_speakers(found) == conversation.count_speakers(reference)
    return Ablated(collection, variant.name, total, right, len(heard))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    try:
        results = list(_run(options))
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{markdown_table(HEADER, [_row(result) for result in results])}\n\n{CONVENTION}")
    if options.json is not None:
        figures = [asdict(result) for result in results]
        write_json({**describe_run(), "convention": CONVENTION, "results": figures}, options.json)
    return 0


def _run(options: argparse.Namespace) -> Iterator[Ablated]:
    for folder in options.data:
        heard: dict[str | None, list[Heard]] = {}
        for variant in VARIANTS:
            if variant.segmentation not in heard:
                segmenter = load_segmenter(variant.segmentation)
                diarizer = Diarizer(segmentation=segmenter, cache=options.cache)
                heard[variant.segmentation] = list(listen(folder, diarizer, options.recordings))
            yield ablate(folder.name, heard[variant.segmentation], variant)


def _row(result: Ablated) -> tuple[str, ...]:
    errors = result.components
    shares = (errors.der, errors.miss_rate, errors.false_alarm_rate, errors.confusion_rate)
    counts = f"{result.right_counts} of {result.recordings}"
    return (result.collection, result.variant, *(f"{100 * one:.1f}" for one in shares), counts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.ablation", description=__doc__)
    add_listening_options(parser)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
