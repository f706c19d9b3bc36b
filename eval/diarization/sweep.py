"""Choose the diarizer's settings: one pass over each recording, then every combination.

    python -m eval.diarization.sweep --data ../shared/conversations/ami \
        ../shared/conversations/simulated \
        --threshold 0.5 0.6 0.7 --speech 0.4 0.5 --overlap 0.5 0.6 --gap 0.3 0.5
    python -m eval.diarization.sweep --data ... --threshold --plda CARD --vbx 0.3:8 0.3:15

The first pass is made once; clustering and reconstruction, which take milliseconds, for each
combination.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from diarspk.clustering import AgglomerativeClusterer, Clusterer, VBxClusterer
from diarspk.clustering.dendrogram import Linkage
from diarspk.clustering.plda import read_plda
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import VBX_CENTRING, VBX_START, subsegment_vbx
from diarspk.diarization.reconstruction import ReconstructionConfig
from diarspk.diarization.resegmentation import Resegmentation
from diarspk.diarization.space_settings import SUBSEGMENT_VBX
from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.diarization.first_passes import (
    FirstPassSettings,
)
from eval.diarization.variants import Variant, VariantResult, measure, report
from eval.report.progress import follow
from eval.report.run_record import JsonReport

__all__ = ["main", "variants"]

RECONSTRUCTION = ReconstructionConfig()


@dataclass(frozen=True)
class Settings:
    """Settings of the command line; all combinations of the lists are tried."""

    report: JsonReport
    passes: FirstPassSettings
    segmentation: str | None = None
    """`silero`, or a checkpoint; none: the one of the encoder."""
    step: float | None = None
    """Seconds between windows, in recordings under ten minutes."""
    linkage: tuple[Linkage, ...] = ("average",)
    """Linkages of agglomerative clustering."""
    threshold: Sequence[float] = (0.6,)
    """Cosine distances at which it stops; none to try VBx alone."""
    vbx: Sequence[str] = ()
    """Fa:Fb of VBx, which clusters subsegments."""
    plda: Path | None = None
    """Card of the PLDA that VBx needs."""
    start: float = VBX_START.threshold
    """Threshold of the clusters that VBx starts from."""
    centring: float = VBX_CENTRING
    """Share of the recording's mean that is taken off before VBx."""
    minimum: tuple[float, ...] = (0.0,)
    """Seconds of the shortest local speaker that is clustered."""
    reliable: tuple[float, ...] = (3.0,)
    """Seconds of speech from which an embedding is reliable."""
    concentration: tuple[float, ...] = (Resegmentation().concentration,)
    """Concentrations of resegmentation; 0: without it."""
    speech: tuple[float, ...] = (RECONSTRUCTION.speech_threshold,)
    """Probabilities from which a frame is speech."""
    overlap: tuple[float, ...] = (RECONSTRUCTION.overlap_threshold,)
    """Probabilities from which a frame is a second speaker's."""
    gap: tuple[float, ...] = (RECONSTRUCTION.max_gap_s,)
    """Seconds of the longest gap that is closed."""

    def __post_init__(self) -> None:
        if self.vbx and self.plda is None:
            raise ArgumentError("`--vbx` needs `--plda CARD`, the PLDA of the encoder")
        for pair in self.vbx:
            if not re.fullmatch(r"[\d.]+:[\d.]+", pair):
                raise ArgumentError(f"`--vbx` must be Fa:Fb, two numbers, got {pair}")


def clusterers(settings: Settings) -> Iterator[tuple[str, Clusterer]]:
    """Agglomerative ones of local speakers, or those of VBx of subsegments, with their labels."""
    if settings.plda is not None:
        plda, start = read_plda(settings.plda), AgglomerativeClusterer(settings.start)
        for pair in settings.vbx:
            scale, regularization = map(float, pair.split(":"))
            vbx = replace(
                SUBSEGMENT_VBX, acoustic_scale=scale, speaker_regularization=regularization
            )
            yield f"VBx {pair}", subsegment_vbx(plda, vbx, start, settings.centring)
    for values in product(settings.linkage, settings.threshold, settings.minimum):
        linkage, threshold, minimum = values
        clusterer = AgglomerativeClusterer(
            linkage=linkage, threshold=threshold, min_duration=minimum
        )
        yield " ".join(map(str, values)), clusterer


def variants(settings: Settings) -> Iterator[Variant]:
    """Every combination of the values given."""
    grid = product(
        clusterers(settings),
        settings.reliable,
        settings.concentration,
        settings.speech,
        settings.overlap,
        settings.gap,
    )
    for (name, clusterer), reliable, concentration, speech, overlap, gap in grid:
        config = DiarizerConfig(
            clusterer,
            "subsegments" if isinstance(clusterer, VBxClusterer) else "local",
            reliable,
            ReconstructionConfig(speech_threshold=speech, overlap_threshold=overlap, max_gap_s=gap),
            resegmentation=Resegmentation(concentration) if concentration else None,
        )
        tried = {
            "reliable": reliable,
            "concentration": concentration,
            "speech": speech,
            "overlap": overlap,
            "gap": gap,
        }
        chosen = (f"{key} {value:g}" for key, value in tried.items())
        yield Variant(", ".join([name, *chosen]), config)


@command
def main(settings: Settings) -> None:
    report(list(_run(settings)), settings.report)


def _run(settings: Settings) -> Iterator[VariantResult]:
    diarizer = settings.passes.load(settings.segmentation)
    if settings.step is not None:
        diarizer.segmentation.step_s = settings.step
    combinations = list(variants(settings))
    for folder in settings.passes.data:
        passes = list(settings.passes.run(folder, diarizer))
        for variant in follow(combinations, f"{folder.name}: combinations"):
            yield measure(folder.name, passes, variant)


if __name__ == "__main__":
    raise SystemExit(main())
