"""``diarspk embed``: speaker embeddings of recordings or of their spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.atomic import atomic_path
from diarspk.cli.json_text import json_text
from diarspk.cli.lists import find_recordings
from diarspk.cli.options import AsJson, Channel, Device, Encoder, Engine, Lists, Raw, Track
from diarspk.cli.recordings import Reader, Recording, stem
from diarspk.cli.terminal import Failures, exit_on_error, say
from diarspk.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["embed"]

Span = tuple[float, float]


@dataclass(frozen=True)
class SpanEmbedding:
    """Embedding ``(dim,)`` of a span, start and end in seconds, of a file."""

    file: str
    span: Span
    vector: NDArray[np.float32]


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
        typer.Option("--output", "-o", metavar="FILE.npz", help="Write all vectors to this file."),
    ] = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
    engine: Engine = "torch",
) -> None:
    """Compute speaker embeddings: file, start, end and the vector, one line each."""
    wanted = None if spans is None else _parse_spans(spans)
    if output is not None and (output.suffix != ".npz" or as_json):
        raise typer.BadParameter(f"-o takes a .npz file and no --json, got {output}")
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    failures = Failures()
    with exit_on_error():
        listed = find_recordings(recordings)
        if wanted is not None and not all(recording.whole for recording in listed):
            raise typer.BadParameter("--spans are for whole recordings, and a list names parts")
        from diarspk.encoders.loading import DEFAULT

        model = encoder or DEFAULT
        loaded = diarspk.load_encoder(model, device=device)
        if engine != "torch":
            from diarspk.encoders.onnx import with_engine

            loaded = with_engine(loaded, engine)
    found: list[SpanEmbedding] = []
    for recording in listed:
        with failures.caught(recording.path):
            embeddings = _embed_file(loaded, recording, wanted, reader)
            found.extend(embeddings)
            if output is None:
                _print(embeddings, loaded, model, as_json)
    if output is not None and found:
        with exit_on_error():
            _save(found, loaded, model, output)
    failures.exit()


def _parse_spans(text: str) -> list[Span]:
    return [_parse_span(part) for part in text.split(",")]


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


def _embed_file(
    encoder: diarspk.SpeakerEncoder,
    recording: Recording,
    wanted: Sequence[Span] | None,
    reader: Reader,
) -> list[SpanEmbedding]:
    """Embed the spans of a file, or all of it, and warn of embeddings that are less reliable."""
    from diarspk.audio import SAMPLE_RATE, load_audio
    from diarspk.features.speech_quality import check_speech

    file = str(recording.path)
    waveform = load_audio(reader.open_part(recording, stem(recording.path)))  # (time,)
    duration = len(waveform) / SAMPLE_RATE
    spans = [(0.0, duration)] if wanted is None else list(wanted)
    for start, end in spans:
        if end > duration:
            raise AudioError(
                f"{file}: the span {start:g}:{end:g} ends after the recording; "
                f"it must end at {duration:.2f} s or before"
            )
        for message in check_speech(waveform[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]):
            say(f"warning: {file} {start:g}:{end:g}: {message}")
    vectors = encoder.embed(waveform, SAMPLE_RATE, wanted)  # (dim,) or (spans, dim)
    rows = vectors.reshape(len(spans), encoder.dimension)
    origin = recording.start  # of the part in the file
    return [
        SpanEmbedding(file, (origin + start, origin + end), row)
        for (start, end), row in zip(spans, rows, strict=True)
    ]


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


def _save(
    embeddings: Sequence[SpanEmbedding], encoder: diarspk.SpeakerEncoder, model: str, output: Path
) -> None:
    """Write the vectors ``(n, dim)`` and their origin; the file appears whole or not at all."""
    import numpy as np

    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(output) as part, part.open("wb") as stream:
        np.savez(
            stream,
            vectors=np.stack([embedding.vector for embedding in embeddings]),
            files=np.array([embedding.file for embedding in embeddings]),
            spans=np.array([embedding.span for embedding in embeddings]),
            model=np.array(model),
            fingerprint=np.array(encoder.fingerprint),
        )
