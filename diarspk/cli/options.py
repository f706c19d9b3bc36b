"""Options that several commands share: one name, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Channel", "Device", "Encoder", "Engine", "Lists", "Raw", "Track"]

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
