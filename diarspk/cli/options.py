"""Options that several commands share: one name, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AsJson",
    "Channel",
    "Device",
    "Encoder",
    "Engine",
    "Jobs",
    "Lists",
    "Quiet",
    "Raw",
    "RayAddress",
    "Resume",
    "ShardOf",
    "Track",
]

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
