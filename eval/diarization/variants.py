"""Settings of the diarizer compared on the same first passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from pyannote.core import Annotation

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.local_speakers import FirstPass
from diarspk.metrics import Components, score
from eval.diarization.first_passes import ConversationPass
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["Variant", "VariantResult", "measure", "report"]

HEADER = (
    "set",
    "reference",
    "variant",
    "DER %",
    "miss %",
    "false alarm %",
    "confusion %",
    "count right",
)
CONVENTION = "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names."


@dataclass(frozen=True)
class Variant:
    """Settings of the diarizer under a name.

    Attributes
    ----------
    name : str
    config : DiarizerConfig
    segmentation : str, optional
        What finds speech, where it is not the embedded segmentation head.
    overlap : bool
        Whether two may talk at once in the result.
    frame_head : bool
        Whether there are vectors of the frame head. Without, resegmentation reads windows pooled
        around each frame, and the TS-VAD head, which needs them, changes nothing.
    """

    name: str
    config: DiarizerConfig = field(default_factory=DiarizerConfig)
    segmentation: str | None = None
    overlap: bool = True
    frame_head: bool = True

    def of(self, first: FirstPass) -> FirstPass:
        """Take out of a first pass what this variant does not have."""
        if self.frame_head:
            return first
        return replace(first, local=replace(first.local, frame_embeddings=None))


@dataclass(frozen=True)
class VariantResult:
    """One variant on one set, against one reference."""

    collection: str
    reference: str
    variant: str
    components: Components
    right_counts: int
    recordings: int


def measure(
    collection: str, passes: Sequence[ConversationPass], variant: Variant
) -> list[VariantResult]:
    """Postprocess the first passes of a set as a variant does, and score against each reference."""
    total: dict[str, Components] = {}
    right: Counter[str] = Counter()
    for item in passes:
        conversation = item.conversation
        if not variant.frame_head:
            item = replace(item, first=variant.of(item.first))
        result = item.diarize(variant.config)
        found: Annotation = result.annotation if variant.overlap else result.exclusive
        name, count = conversation.name, conversation.count_speakers(found)
        for kind, reference in conversation.references.items():
            scores = score({name: reference}, {name: found}, {name: conversation.uem})
            total[kind] = total.get(kind, Components()) + scores.pooled
            right[kind] += count == conversation.count_speakers(reference)
    return [
        VariantResult(collection, kind, variant.name, components, right[kind], len(passes))
        for kind, components in total.items()
    ]


def report(results: Sequence[VariantResult], file: JsonReport) -> None:
    """Print the table, and write the figures as JSON where a file is given."""
    print(f"{markdown_table(HEADER, [_row(result) for result in results])}\n\n{CONVENTION}")
    figures = [asdict(result) for result in results]
    file.write({"convention": CONVENTION, "results": figures})


def _row(result: VariantResult) -> tuple[str, ...]:
    errors = result.components
    shares = (errors.der, errors.miss_rate, errors.false_alarm_rate, errors.confusion_rate)
    counts = f"{result.right_counts} of {result.recordings}"
    return (
        result.collection,
        result.reference,
        result.variant,
        *(f"{100 * one:.1f}" for one in shares),
        counts,
    )
