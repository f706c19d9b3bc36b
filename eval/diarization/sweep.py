"""Choose the diarizer's settings: one pass over each recording, then every combination.

    python -m eval.diarization.sweep --data ../shared/conversations/ami \
        ../shared/conversations/simulated \
        --threshold 0.5 0.6 0.7 --speech 0.4 0.5 --overlap 0.5 0.6 --gap 0.3 0.5
    python -m eval.diarization.sweep --data ... --threshold --plda CARD --vbx 0.3:8 0.3:15

The first pass is made once; clustering and reconstruction, which take milliseconds, for each
combination.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_args

from diarspk.clustering import AgglomerativeClusterer, Clusterer, VBxClusterer
from diarspk.clustering.dendrogram import Linkage
from diarspk.clustering.plda import read_plda
from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.defaults import SUBSEGMENT_VBX, VBX_CENTRING, VBX_START, subsegment_vbx
from diarspk.diarization.reconstruction import ReconstructionConfig
from diarspk.diarization.resegmentation import Resegmentation
from diarspk.errors import DiarspkError
from eval.diarization.first_passes import add_first_pass_options, build_diarizer, run_first_passes
from eval.diarization.variants import Variant, VariantResult, measure, report
from eval.report.progress import follow

__all__ = ["main", "variants"]

RECONSTRUCTION = ReconstructionConfig()


def clusterers(arguments: argparse.Namespace) -> Iterator[tuple[str, Clusterer]]:
    """Agglomerative ones of local speakers, or those of VBx of subsegments, with their labels."""
    for pair in arguments.vbx:
        scale, regularization = map(float, pair.split(":"))
        settings = replace(
            SUBSEGMENT_VBX, acoustic_scale=scale, speaker_regularization=regularization
        )
        start = AgglomerativeClusterer(arguments.start)
        plda = read_plda(arguments.plda)
        yield f"VBx {pair}", subsegment_vbx(plda, settings, start, arguments.centring)
    for values in product(arguments.linkage, arguments.threshold, arguments.minimum):
        linkage, threshold, minimum = values
        clusterer = AgglomerativeClusterer(
            linkage=linkage, threshold=threshold, min_duration=minimum
        )
        yield " ".join(map(str, values)), clusterer


def variants(arguments: argparse.Namespace) -> Iterator[Variant]:
    """Every combination of the values given."""
    grid = product(
        clusterers(arguments),
        arguments.reliable,
        arguments.concentration,
        arguments.speech,
        arguments.overlap,
        arguments.gap,
    )
    for (name, clusterer), reliable, concentration, speech, overlap, gap in grid:
        config = DiarizerConfig(
            clusterer,
            "subsegments" if isinstance(clusterer, VBxClusterer) else "local",
            reliable,
            ReconstructionConfig(speech_threshold=speech, overlap_threshold=overlap, max_gap_s=gap),
            resegmentation=Resegmentation(concentration) if concentration else None,
        )
        settings = {
            "reliable": reliable,
            "concentration": concentration,
            "speech": speech,
            "overlap": overlap,
            "gap": gap,
        }
        chosen = (f"{key} {value:g}" for key, value in settings.items())
        yield Variant(", ".join([name, *chosen]), config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    try:
        report(list(_run(options)), options.json)
    except DiarspkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> Iterator[VariantResult]:
    diarizer = build_diarizer(options.encoder, options.cache, options.segmentation)
    if options.step is not None:
        diarizer.segmentation.step_s = options.step
    combinations = list(variants(options))
    for folder in options.data:
        passes = list(run_first_passes(folder, diarizer, options.recordings))
        for variant in follow(combinations, f"{folder.name}: combinations"):
            yield measure(folder.name, passes, variant)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m eval.diarization.sweep", description=__doc__)
    add_first_pass_options(parser)
    add = parser.add_argument
    add("--encoder", help="with its segmentation head; default: the embedded")
    add("--segmentation", help="silero, or a checkpoint; the model's own without")
    add("--step", type=float, help="seconds between windows, in recordings under ten minutes")
    add("--linkage", nargs="+", choices=get_args(Linkage), default=["average"])
    add("--threshold", type=float, nargs="*", default=[0.6])
    add("--vbx", nargs="*", default=[], help="Fa:Fb, clustering subsegments")
    add("--plda", type=Path, help="card of the PLDA that VBx needs")
    add("--start", type=float, default=VBX_START.threshold, help="threshold that VBx starts from")
    add("--centring", type=float, default=VBX_CENTRING, help="share of the mean taken off before")
    add("--minimum", type=float, nargs="+", default=[0.0])
    add("--reliable", type=float, nargs="+", default=[3.0])
    add("--concentration", type=float, nargs="+", default=[Resegmentation().concentration])
    add("--speech", type=float, nargs="+", default=[RECONSTRUCTION.speech_threshold])
    add("--overlap", type=float, nargs="+", default=[RECONSTRUCTION.overlap_threshold])
    add("--gap", type=float, nargs="+", default=[RECONSTRUCTION.max_gap_s])
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
