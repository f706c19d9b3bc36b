"""Options that several commands share: one name, one help text."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Adaptation",
    "AsJson",
    "Asr",
    "Boundaries",
    "Channel",
    "Clusterer",
    "ConfigFile",
    "Device",
    "DiarizerEncoder",
    "Encoder",
    "Engine",
    "GalleryFolder",
    "Jobs",
    "Lists",
    "Precision",
    "Preset",
    "Quiet",
    "Raw",
    "RayAddress",
    "Resume",
    "Segmentation",
    "ShardOf",
    "Threshold",
    "Track",
]


class BoundaryKind(str, Enum):
    """Boundaries of turns, see :class:`diarspk.diarization.DiarizerConfig`."""

    TIGHT = "tight"
    LOOSE = "loose"


Lists = Annotated[
    list[Path],
    typer.Argument(
        metavar="AUDIO...",
        help="Recordings of any format and sample rate; - is stdin. Also lists of them: folders, "
        "patterns, text (.txt, .lst), tables (.csv, .tsv), lhotse's manifests (.jsonl, .jsonl.gz), "
        "Kaldi's wav.scp and segments.",
    ),
]
Channel = Annotated[
    int | None, typer.Option(min=0, help="Channel to use, from 0. Default: mean of all channels.")
]
Track = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Sound track to use, from 0. Default: the one that a file marks, or the first.",
    ),
]
Raw = Annotated[
    str | None,
    typer.Option(
        metavar="ENCODING:RATE[:CHANNELS]",
        help="Read samples without a header, such as s16le:8000 or f32le:48000:2.",
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        help="Speaker encoder: a name that `diarspk models` lists, or the path of a checkpoint. "
        "Default: the one in this package."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Device of the networks: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto`, the first CUDA "
        "device where there is one.",
    ),
]
Engine = Annotated[
    str, typer.Option(help="Inference engine: `torch`, or `onnx` (needs the extra of that name).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Jobs = Annotated[
    int,
    typer.Option(
        min=1,
        help="Recordings done side by side, in processes that share the cores. Each loads the "
        "models, and needs memory of its own.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Leave out recordings that were done before, by their content and the options.",
    ),
]
ShardOf = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="INDEX/OF",
        help="Do one of several equal parts of the list, from 1/OF to OF/OF: for job arrays.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Do the recordings on --jobs workers of a Ray cluster, which must reach the same "
        "files: `auto`, `ray://HOST:10001`, or `local`, a cluster of this machine. Needs the "
        "extra `ray`.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Diarizer by name: `embedded`, the default, or `accurate`, whose parts "
        "`diarspk models download accurate` brings.",
    ),
]
DiarizerEncoder = Annotated[
    str | None,
    typer.Option(
        help="Speaker encoder: a name that `diarspk models` lists, or the path of a "
        "checkpoint, also of WeSpeaker, pyannote.audio, 3D-Speaker or SpeechBrain. With one "
        "of those, give --threshold or --num-speakers if you can.",
    ),
]
Segmentation = Annotated[
    str | None,
    typer.Option(
        help="Segmentation: `silero`, or a segmentation checkpoint of pyannote.audio. "
        "Default: the segmentation head of the model in this package."
    ),
]
Clusterer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Clusterer: agglomerative, eigengap, multi-stage, plda, spectral or vbx. "
        "Default: that of the encoder.",
    ),
]
Adaptation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Adaptation of the embeddings to the recording, for clusterers of local "
        "speakers: none, attention, autoencoder or kwon2021. Default: none.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Threshold of --clusterer or --config. Without these, cosine distance up to "
        "which clusters merge, and the clusterer is agglomerative.",
    ),
]
Boundaries = Annotated[
    BoundaryKind | None,
    typer.Option(
        case_sensitive=False,
        help="Where turns begin and end: `tight`, at the words, or `loose`, as manual segments of "
        "meetings have them, with pauses inside. Default: tight.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Settings of every stage, YAML or JSON: the fields of DiarizerConfig. "
        "The JSON output has them as `settings`.",
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        help="Numerical precision of the networks: `auto` (bfloat16 where the device has "
        "instructions for it), `single` or `bfloat16`."
    ),
]
GalleryFolder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Gallery of enrolled people, whose names replace the labels."),
]
Asr = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Transcribe by faster-whisper (extra `asr`) where there is no transcript: folder of a "
        "CTranslate2 model of Whisper. Nothing is downloaded.",
    ),
]
