"""What ``diarspk embed`` does with a recording, in this process or another."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from diarspk.atomic import atomic_path
from diarspk.cli.batch_task import Process, Summary
from diarspk.cli.contents import describe_contents
from diarspk.cli.recordings import Reader, Recording
from diarspk.cli.result_names import NamedRecording
from diarspk.cli.terminal import ProgressCallback
from diarspk.errors import AudioError, SpeechWarning
from diarspk.version import __version__

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    import diarspk
    from diarspk.audio import AudioStream

__all__ = ["EmbeddingWork", "Span", "SpanEmbedding", "save_embeddings"]

Span: TypeAlias = tuple[float, float]

Opened: TypeAlias = "tuple[Recording, AudioStream]"


@dataclass(frozen=True)
class SpanEmbedding:
    """Embedding ``(dim,)`` of a span, start and end in seconds, of a file."""

    file: str
    span: Span
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class EmbeddingWork:
    """Embedding of recordings with the same options.

    Attributes
    ----------
    model, device, engine : str
    spans : tuple of (float, float), optional
        Spans of each recording in seconds. Default: all of it.
    reader : Reader
    """

    model: str
    device: str
    engine: str
    spans: tuple[Span, ...] | None
    reader: Reader

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the recordings."""
        return repr((__version__, self, describe_contents([self.model])))

    def files_of(self, named: NamedRecording) -> Sequence[Path]:
        """Give no files: the recording is all."""
        return ()

    def open(self, named: NamedRecording) -> Opened:
        """Open a recording."""
        return named.recording, self.reader.open_part(named.recording, named.name)

    def load(self) -> Process[Opened]:
        """Load the encoder."""
        encoder = self.load_encoder()

        def process(opened: Opened, target: Path, progress: ProgressCallback | None) -> Summary:
            found, duration = self.embed(encoder, opened)
            save_embeddings(found, encoder, self.model, target)
            return Summary(duration, None)

        return process

    def load_encoder(self) -> diarspk.SpeakerEncoder:
        """Load the encoder, on the engine that the options ask for."""
        import diarspk

        encoder = diarspk.load_encoder(self.model, device=self.device)
        if self.engine == "torch":
            return encoder
        from diarspk.encoders.onnx import with_engine

        return with_engine(encoder, self.engine)

    def embed(
        self, encoder: diarspk.SpeakerEncoder, opened: Opened
    ) -> tuple[list[SpanEmbedding], float]:
        """Embed the spans of a recording, or all of it; also give its seconds.

        Warns
        -----
        SpeechWarning
            Of embeddings that are less reliable.

        Raises
        ------
        AudioError
            If the recording cannot be read, or a span ends after it.
        """
        from diarspk.audio import SAMPLE_RATE, load_audio
        from diarspk.features.speech_quality import check_speech

        recording, stream = opened
        file = str(recording.path)
        waveform = load_audio(stream)  # (time,)
        duration = len(waveform) / SAMPLE_RATE
        spans = self.spans or ((0.0, duration),)
        for start, end in spans:
            if end > duration:
                raise AudioError(
                    f"{file}: the span {start:g}:{end:g} ends after the recording; "
                    f"it must end at {duration:.2f} s or before"
                )
            span = waveform[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
            for message in check_speech(span):
                warnings.warn(f"{file} {start:g}:{end:g}: {message}", SpeechWarning, stacklevel=2)
        vectors = encoder.embed(waveform, SAMPLE_RATE, self.spans)  # (dim,) or (spans, dim)
        rows = vectors.reshape(len(spans), encoder.dimension)
        origin = recording.start  # of the part in the file
        found = [
            SpanEmbedding(file, (origin + start, origin + end), row)
            for (start, end), row in zip(spans, rows, strict=True)
        ]
        return found, duration


def save_embeddings(
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
