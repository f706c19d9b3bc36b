"""``diarspk embed``: speaker embeddings of recordings or of their spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.batch import Batch
from diarspk.cli.batch_options import BatchOptions
from diarspk.cli.embedding_work import EmbeddingWork, Span, SpanEmbedding, save_embeddings
from diarspk.cli.json_text import json_text
from diarspk.cli.lists import find_recordings
from diarspk.cli.options import (
    AsJson,
    Channel,
    Device,
    Encoder,
    Engine,
    Jobs,
    Lists,
    Quiet,
    Raw,
    RayAddress,
    Resume,
    ShardOf,
    Track,
)
from diarspk.cli.recordings import Reader, Recording, stem
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.terminal import Failures, exit_on_error, warnings_on_one_line

if TYPE_CHECKING:
    import diarspk

__all__ = ["embed"]

SUFFIX = ".npz"


def embed(
    recordings: Lists,
    spans: Annotated[
        str | None,
        typer.Option(
            metavar="START:END,...",
            help="Spans in seconds, one vector each. Default: one vector per recording.",
        ),
    ] = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.npz|DIR",
            help="Write all vectors to this file, or those of each recording to one of its own in "
            "this folder, beside a report. Default: the result goes to stdout.",
        ),
    ] = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
    engine: Engine = "torch",
    jobs: Jobs = 1,
    resume: Resume = False,
    shard: ShardOf = None,
    ray: RayAddress = None,
    quiet: Quiet = False,
) -> None:
    """Compute speaker embeddings: file, start, end and the vector, one line each."""
    wanted = None if spans is None else _parse_spans(spans)
    folder = _folder(output)
    options = BatchOptions.of(jobs, resume, shard, ray)
    options.check_folder(folder)
    if output is not None and as_json:
        raise typer.BadParameter("--json is for stdout, and goes without -o")
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    with exit_on_error():
        listed = find_recordings(recordings)
        if wanted is not None and not all(recording.whole for recording in listed):
            raise typer.BadParameter("--spans are for whole recordings, and a list names parts")
        from diarspk.encoders.loading import DEFAULT

        work = EmbeddingWork(encoder or DEFAULT, device, engine, wanted, reader)
        if folder is not None:
            if Batch(listed, folder, SUFFIX, options).run(work, quiet).failed:
                raise typer.Exit(1)
            return
    with warnings_on_one_line():
        _embed_all(work, listed, output, as_json)


def _folder(output: Path | None) -> Path | None:
    """Take an output for a folder, or for a file."""
    if output is None or (output.suffix == SUFFIX and not output.is_dir()):
        return None
    if output.suffix and not output.is_dir():
        raise typer.BadParameter(f"-o takes a {SUFFIX} file or a folder, got {output}")
    return output


def _embed_all(
    work: EmbeddingWork, listed: Sequence[Recording], output: Path | None, as_json: bool
) -> None:
    """Write all vectors to stdout, as they come, or to one file."""
    failures = Failures()
    with exit_on_error():
        loaded = work.load_encoder()
    found: list[SpanEmbedding] = []
    for recording in listed:
        with failures.caught(recording.path):
            opened = work.open(NamedRecording(recording, stem(recording.path), ""))
            embeddings, _ = work.embed(loaded, opened)
            found.extend(embeddings)
            if output is None:
                _print(embeddings, loaded, work.model, as_json)
    if output is not None and found:
        with exit_on_error():
            save_embeddings(found, loaded, work.model, output)
    failures.exit()


def _parse_spans(text: str) -> tuple[Span, ...]:
    return tuple(_parse_span(part) for part in text.split(","))


def _parse_span(text: str) -> Span:
    try:
        start, end = map(float, text.split(":"))
    except ValueError:
        raise typer.BadParameter(f"--spans must be like 1.0:2.5,4:6, got {text!r}") from None
    if not 0 <= start < end < math.inf:
        raise typer.BadParameter(
            f"a span must start at 0 or later and end after that, got {text!r}"
        )
    return start, end


def _print(
    embeddings: Sequence[SpanEmbedding], encoder: diarspk.SpeakerEncoder, model: str, as_json: bool
) -> None:
    for embedding in embeddings:
        start, end = embedding.span
        if as_json:
            record = {
                "file": embedding.file,
                "span": [start, end],
                "vector": embedding.vector.tolist(),
                "dimension": encoder.dimension,
                "model": model,
                "fingerprint": encoder.fingerprint,
            }
            print(json_text(record))
        else:
            values = " ".join(f"{value:.6f}" for value in embedding.vector)
            print(f"{embedding.file}\t{start:.3f}\t{end:.3f}\t{values}")
