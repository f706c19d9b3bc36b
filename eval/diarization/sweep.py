r"""Choose the diarizer's settings: one pass over each recording, then every combination.

    python -m eval.diarization.sweep --data ../shared/conversations/ami \
        ../shared/conversations/simulated \
        --threshold 0.5 0.6 0.7 --speech 0.4 0.5 --overlap 0.5 0.6 --gap 0.3 0.5
    python -m eval.diarization.sweep --data ... --threshold --plda CARD --vbx 0.3:8 0.3:15
    python -m eval.diarization.sweep --data ... --threshold --references mfa only_words \
        --gap 0.2 0.4 1.0 --pause 0 0.2 --padding 0 0.04

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
from diarspk.diarization.config import DiarizerConfig, Units
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
    references: tuple[str, ...] = ()
    """Score against FOLDER/references/NAME as well, where a folder has it."""
    segmentation: str | None = None
    """`silero`, or a checkpoint; none: the one of the encoder."""
    step: float | None = None
    """Seconds between windows, in recordings under ten minutes."""
    linkage: tuple[Linkage, ...] = ("average",)
    """Linkages of agglomerative clustering."""
    threshold: Sequence[float] = (0.6,)
    """Cosine distances at which it stops; none to try VBx alone, or without it the default."""
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
    pause: tuple[float, ...] = (RECONSTRUCTION.pause_probability,)
    """Probabilities below which a gap is not closed."""
    padding: tuple[float, ...] = (RECONSTRUCTION.padding_s,)
    """Seconds that are added at each end of a turn."""
    shortest: tuple[float, ...] = (RECONSTRUCTION.min_turn_s,)
    """Seconds of the shortest turn."""

    def __post_init__(self) -> None:
        if self.vbx and self.plda is None:
            raise ArgumentError("`--vbx` needs `--plda CARD`, the PLDA of the encoder")
        for pair in self.vbx:
            if not re.fullmatch(r"[\d.]+:[\d.]+", pair):
                raise ArgumentError(f"`--vbx` must be Fa:Fb, two numbers, got {pair}")


def clusterers(settings: Settings) -> Iterator[tuple[str, Clusterer | None]]:
    """Agglomerative ones of local speakers, or those of VBx of subsegments, with their labels.

    Without any, that of the encoder.
    """
    if not settings.threshold and not settings.vbx:
        yield "default", None
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
        clusterers(settings), settings.reliable, settings.concentration, reconstructions(settings)
    )
    for (name, clusterer), reliable, concentration, (chosen, reconstruction) in grid:
        units: Units = "subsegments" if isinstance(clusterer, VBxClusterer) else "local"
        config = DiarizerConfig(
            clusterer,
            "auto" if clusterer is None else units,
            reliable,
            reconstruction=reconstruction,
            resegmentation=Resegmentation(concentration) if concentration else None,
        )
        label = f"{name}, reliable {reliable:g}, concentration {concentration:g}, {chosen}"
        yield Variant(label, config)


def reconstructions(settings: Settings) -> Iterator[tuple[str, ReconstructionConfig]]:
    """Every combination of what makes turns of probabilities, with its label."""
    tried = {
        "speech": settings.speech,
        "overlap": settings.overlap,
        "gap": settings.gap,
        "pause": settings.pause,
        "shortest": settings.shortest,
        "padding": settings.padding,
    }
    for values in product(*tried.values()):
        label = ", ".join(f"{name} {value:g}" for name, value in zip(tried, values, strict=True))
        yield label, ReconstructionConfig(*values)


@command
def main(settings: Settings) -> None:
    report(list(_run(settings)), settings.report)


def _run(settings: Settings) -> Iterator[VariantResult]:
    diarizer = settings.passes.load(settings.segmentation)
    if settings.step is not None:
        diarizer.segmentation.step_s = settings.step
    combinations = list(variants(settings))
    for folder in settings.passes.data:
        passes = list(settings.passes.run(folder, diarizer, settings.references))
        for variant in follow(combinations, f"{folder.name}: combinations"):
            yield from measure(folder.name, passes, variant)


if __name__ == "__main__":
    raise SystemExit(main())
