"""Settings of the diarizer compared on the same first passes."""

from __future__ import annotations

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

HEADER = ("set", "variant", "DER %", "miss %", "false alarm %", "confusion %", "count right")
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
    """One variant on one set."""

    collection: str
    variant: str
    components: Components
    right_counts: int
    recordings: int


def measure(collection: str, passes: Sequence[ConversationPass], variant: Variant) -> VariantResult:
    """Postprocess the first passes of a set as a variant does, and score the results."""
    total, right = Components(), 0
    for item in passes:
        conversation = item.conversation
        result = replace(item, first=variant.of(item.first)).diarize(variant.config)
        found: Annotation = result.annotation if variant.overlap else result.exclusive
        reference, name = conversation.reference, conversation.name
        total += score({name: reference}, {name: found}, {name: conversation.uem}).pooled
        right += conversation.count_speakers(found) == conversation.count_speakers(reference)
    return VariantResult(collection, variant.name, total, right, len(passes))


def report(results: Sequence[VariantResult], file: JsonReport) -> None:
    """Print the table, and write the figures as JSON where a file is given."""
    print(f"{markdown_table(HEADER, [_row(result) for result in results])}\n\n{CONVENTION}")
    figures = [asdict(result) for result in results]
    file.write({"convention": CONVENTION, "results": figures})


def _row(result: VariantResult) -> tuple[str, ...]:
    errors = result.components
    shares = (errors.der, errors.miss_rate, errors.false_alarm_rate, errors.confusion_rate)
    counts = f"{result.right_counts} of {result.recordings}"
    return (result.collection, result.variant, *(f"{100 * one:.1f}" for one in shares), counts)
