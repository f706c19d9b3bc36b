"""Ablation of the diarizer: the default settings, and the same with one part left out.

    python -m eval.diarization.ablation --data ../shared/conversations/ami \
        ../shared/conversations/simulated

All variants read the same passes over the recordings, but for the one with another detector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diarspk.clustering import AgglomerativeClusterer
from diarspk.clustering.adaptation import Adaptation
from diarspk.diarization.config import DiarizerConfig, LinkingConfig
from diarspk.embeddings.reduction import Prefix
from diarspk.segmentation.loading import SILERO
from eval.command_line import command
from eval.diarization.first_passes import (
    ConversationPass,
    FirstPassSettings,
)
from eval.diarization.variants import Variant, VariantResult, measure, report
from eval.report.run_record import JsonReport

__all__ = ["VARIANTS", "main"]


def _by_average_linkage(threshold: float, adaptation: Adaptation) -> DiarizerConfig:
    clusterer = AgglomerativeClusterer(threshold, "average")
    return DiarizerConfig(clusterer, "subsegments", linking=LinkingConfig(adaptation))


VARIANTS = (
    Variant("default"),
    Variant("one speaker at a time", overlap=False),
    Variant("no TS-VAD", DiarizerConfig(target_speaker_vad=False)),
    Variant("no frame head: windows of 1.5 s pooled around frames", frame_head=False),
    Variant("no resegmentation", DiarizerConfig(resegmentation=None)),
    Variant("local speakers of windows clustered, no subsegments", DiarizerConfig(units="local")),
    Variant("Silero VAD and pooled windows of 1.5 s", segmentation=SILERO),
    Variant("average linkage at 0.8, all 192 dimensions", _by_average_linkage(0.8, Adaptation())),
    Variant("average linkage at 0.7, first 20", _by_average_linkage(0.7, Adaptation(Prefix(20)))),
)
"""Thresholds are the better ones of 0.6, 0.7 and 0.8: see eval/results/earlier/README.md."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    passes: FirstPassSettings


@command
def main(settings: Settings) -> None:
    report(list(_run(settings)), settings.report)


def _run(settings: Settings) -> Iterator[VariantResult]:
    for folder in settings.passes.data:
        passes: dict[str | None, list[ConversationPass]] = {}
        for variant in VARIANTS:
            if variant.segmentation not in passes:
                diarizer = settings.passes.load(variant.segmentation)
                passes[variant.segmentation] = list(settings.passes.run(folder, diarizer))
            yield from measure(folder.name, passes[variant.segmentation], variant)


if __name__ == "__main__":
    raise SystemExit(main())
