"""Choose the diarizer's settings: one pass over each recording, then every combination.

    python -m eval.sweep --data ../shared/conversations/ami ../shared/conversations/simulated \
        --threshold 0.5 0.6 0.7 --speech 0.4 0.5 --overlap 0.5 0.6 --gap 0.3 0.5
    python -m eval.sweep --data ... --threshold --plda CARD --vbx 0.3:8 0.3:15

Listening is done once; clustering and stitching, which take milliseconds, for each combination.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from diarspk.audio import open_audio
from diarspk.clustering import AgglomerativeClusterer, Clusterer, VBxClusterer
from diarspk.clustering.tree import Linkage
from diarspk.diarizer import Diarizer, DiarizerConfig
from diarspk.plda import read_plda
from diarspk.recording import Recording, analyse
from diarspk.resegmentation import Resegmentation
from diarspk.scoring import Components, score
from diarspk.segmentation import LocalSpeakers, read_local_speakers
from diarspk.shipped import SUBSEGMENT_VBX, VBX_START
from diarspk.stitching import StitchingConfig
from eval.conversations import Conversation, read_conversations
from eval.progress import follow

STITCHING = StitchingConfig()


@dataclass(frozen=True)
class Heard:
    """A conversation after the pass over it."""

    conversation: Conversation
    recording: Recording
    local: LocalSpeakers


@dataclass(frozen=True)
class Result:
    """Errors of one data set under one configuration."""

    components: Components
    right_counts: int
    recordings: int


def listen(diarizer: Diarizer, conversation: Conversation) -> Heard:
    stream = open_audio(conversation.audio)
    recording = analyse(stream, diarizer.trunk.log_mel)
    frames = diarizer.trunk.count_frames(recording)
    diarizer.segmentation.prepare(stream, diarizer.trunk, frames)
    local = read_local_speakers(recording, diarizer.trunk, diarizer.segmentation)
    return Heard(conversation, recording, local)


def evaluate(diarizer: Diarizer, heard: list[Heard]) -> Result:
    total, right = Components(), 0
    for item in heard:
        found = diarizer.finish(item.recording, item.local).annotation
        reference, uem = item.conversation.reference, item.conversation.uem
        total += score(reference, found, {item.conversation.name: uem}).pooled
        count = item.conversation.count_speakers
        right += count(reference) == count(found)
    return Result(total, right, len(heard))


def clusterers(arguments: argparse.Namespace) -> Iterator[tuple[str, Clusterer]]:
    """Agglomerative ones of local speakers, or those of VBx of subsegments, with their labels."""
    for pair in arguments.vbx:
        evidence, regularization = map(float, pair.split(":"))
        settings = replace(
            SUBSEGMENT_VBX, evidence_scale=evidence, speaker_regularization=regularization
        )
        start = AgglomerativeClusterer(arguments.start)
        plda = read_plda(arguments.plda)
        yield f"VBx {pair}", VBxClusterer(plda, settings, start, proposals=True)
    for values in product(arguments.linkage, arguments.threshold, arguments.minimum):
        linkage, threshold, minimum = values
        clusterer = AgglomerativeClusterer(
            linkage=linkage, threshold=threshold, min_duration=minimum
        )
        yield " ".join(map(str, values)), clusterer


def configurations(arguments: argparse.Namespace) -> Iterator[tuple[str, DiarizerConfig]]:
    """Every combination of the values given, with its label."""
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
            StitchingConfig(speech_threshold=speech, overlap_threshold=overlap, longest_gap_s=gap),
            resegmentation=Resegmentation(concentration) if concentration else None,
        )
        values = (name, reliable, concentration, speech, overlap, gap)
        yield " | ".join(map(str, values)), config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--model", help="encoder and activity head; the default without it")
    parser.add_argument("--segmentation", help="silero, or a checkpoint; the model's own without")
    parser.add_argument("--step", type=float, default=2.5, help="seconds between windows")
    linkages: list[Linkage] = ["average"]
    parser.add_argument("--linkage", nargs="+", default=linkages)
    parser.add_argument("--threshold", type=float, nargs="*", default=[0.6])
    parser.add_argument("--vbx", nargs="*", default=[], help="Fa:Fb, clustering subsegments")
    parser.add_argument("--plda", type=Path, help="card of the PLDA that VBx needs")
    parser.add_argument(
        "--start", type=float, default=VBX_START.threshold, help="threshold that VBx starts from"
    )
    parser.add_argument("--minimum", type=float, nargs="+", default=[0.0])
    parser.add_argument("--reliable", type=float, nargs="+", default=[3.0])
    parser.add_argument(
        "--concentration", type=float, nargs="+", default=[Resegmentation().concentration]
    )
    parser.add_argument("--speech", type=float, nargs="+", default=[STITCHING.speech_threshold])
    parser.add_argument("--overlap", type=float, nargs="+", default=[STITCHING.overlap_threshold])
    parser.add_argument("--gap", type=float, nargs="+", default=[STITCHING.longest_gap_s])
    arguments = parser.parse_args()

    from diarspk.models import load_encoder, load_segmenter

    encoder = load_encoder(arguments.model)
    segmenter = load_segmenter(arguments.segmentation or arguments.model)
    segmenter.step_s = arguments.step
    first = Diarizer(encoder=encoder, segmentation=segmenter)
    sets = {
        folder.name: [
            listen(first, conversation)
            for conversation in follow(read_conversations(folder), folder.name)
        ]
        for folder in arguments.data
    }
    names = "clusterer | reliable | concentration | speech | overlap | gap"
    columns = [f"{name}: DER, miss, FA, confusion, count" for name in sets]
    print(f"| {names} | {' | '.join(columns)} |")
    print("|---" * (6 + len(sets)) + "|")
    for label, config in configurations(arguments):
        diarizer = Diarizer(config, encoder, segmenter)
        cells = [_cell(evaluate(diarizer, heard)) for heard in sets.values()]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


def _cell(result: Result) -> str:
    errors = result.components
    parts = (errors.miss, errors.false_alarm, errors.confusion)
    shares = ", ".join(f"{100 * part / errors.total:.1f}" for part in parts)
    return f"{100 * errors.der:.2f}, {shares}, {result.right_counts}/{result.recordings}"


if __name__ == "__main__":
    main()
