"""What ``diarspk diarize`` does with a recording, in this process or another."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from diarspk.catalogue.presets import EMBEDDED, PRESETS
from diarspk.cli.batch_task import AudioWork, Process, Summary
from diarspk.cli.contents import describe_contents
from diarspk.cli.recordings import Reader
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import ProgressCallback
from diarspk.version import __version__

if TYPE_CHECKING:
    from diarspk import Diarization, Diarizer, SpeakerEncoder
    from diarspk.audio import AudioStream
    from diarspk.diarization.reconstruction import Boundaries

__all__ = [
    "Count",
    "DiarizationWork",
    "Format",
    "Models",
    "Output",
    "check_found",
    "named_diarizer",
]


class Format(str, Enum):
    """An output format, named as the suffix of its files."""

    RTTM = "rttm"
    JSON = "json"
    CSV = "csv"
    SRT = "srt"
    VTT = "vtt"
    AUDACITY = "txt"
    PRAAT = "TextGrid"


@dataclass(frozen=True)
class Count:
    """Number of speakers as the options give it."""

    exact: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Models:
    """Parts of the diarizer as the options give them."""

    encoder: str | None = None
    segmentation: str | None = None
    threshold: float | None = None
    clusterer: str | None = None
    adaptation: str | None = None
    boundaries: Boundaries | None = None
    config: Path | None = None
    engine: str = "torch"
    precision: str = "auto"
    device: str = "auto"
    cache: Path | None = None

    def load(self) -> Diarizer:
        """Load the diarizer."""
        with quick_imports():
            from diarspk.diarization.diarizer import EMBEDDED, Diarizer
            from diarspk.encoders.precision import check_precision

            return Diarizer.load(
                self.encoder or EMBEDDED,
                segmentation=self.segmentation,
                threshold=self.threshold,
                clusterer=self.clusterer,
                adaptation=self.adaptation,
                boundaries=self.boundaries,
                config=self.config,
                engine=self.engine,
                device=self.device,
                cache=self.cache,
                precision=check_precision(self.precision),
            )

    def load_encoder(self) -> SpeakerEncoder:
        """Load the diarizer for its encoder."""
        return self.load().encoder


def check_found(speakers: int, count: Count, duration: float) -> None:
    """Refuse a result without speech, or with another number of speakers than was asked for.

    Raises
    ------
    AudioError
        If there are no speakers.
    ArgumentError
        If their number is not as the options want it.
    """
    from diarspk.errors import ArgumentError, AudioError

    if not speakers:
        raise AudioError(f"no speech was found in {duration:.1f} s; --strict wants some")
    lowest, highest = count.exact or count.minimum or 1, count.exact or count.maximum or speakers
    if not lowest <= speakers <= highest:
        wanted = f"{lowest} or more" if speakers < lowest else f"{highest} at most"
        wanted = wanted if count.exact is None else f"{count.exact}"
        raise ArgumentError(
            f"{speakers} speaker{'' if speakers == 1 else 's'} can be told apart, and {wanted} "
            "were asked for; ask for another number, or leave --strict out"
        )


def named_diarizer(preset: str | None, encoder: str | None) -> str | None:
    """Name of a diarizer, or of its encoder, of which the options give one; None for the default.

    Raises
    ------
    typer.BadParameter
        If they give both, or there is no such preset.
    """
    if preset is None:
        return encoder
    names = ", ".join((EMBEDDED, *PRESETS))
    if encoder is not None:
        raise typer.BadParameter(f"give either --preset or --encoder, got {preset} and {encoder}")
    if preset not in (EMBEDDED, *PRESETS):
        raise typer.BadParameter(f"--preset must be one of {names}, got {preset}")
    return None if preset == EMBEDDED else preset


@dataclass(frozen=True)
class Output:
    """What is written of a result."""

    format: Format = Format.RTTM
    exclusive: bool = False
    vectors: bool = False


@dataclass(frozen=True)
class DiarizationWork(AudioWork):
    """Diarization of recordings with the same options."""

    models: Models
    count: Count
    reader: Reader
    gallery: Path | None = None
    output: Output = field(default_factory=Output)
    strict: bool = False

    @property
    def settings(self) -> str:
        """Text of all that results depend on, besides the recordings; files by their content."""
        models = replace(self.models, cache=None)
        options = (models, self.count, self.reader, self.output, self.strict)
        named = (models.encoder, models.segmentation, models.config, self.gallery)
        return repr((__version__, options, describe_contents(named)))

    def check_gallery(self) -> None:
        """Refuse a gallery that cannot be opened, before anything else is done."""
        if self.gallery is None:
            return
        from diarspk.verification.gallery import open_gallery

        open_gallery(self.gallery).close()

    def load(self) -> Process[AudioStream]:
        """Load the diarizer."""
        diarizer = self.models.load()

        def process(
            stream: AudioStream, target: Path, progress: ProgressCallback | None
        ) -> Summary:
            result = self.diarize(diarizer, stream, progress)
            self.write(result, target)
            return Summary(result.duration, len(result.annotation.labels()))

        return process

    def diarize(
        self, diarizer: Diarizer, stream: AudioStream, progress: ProgressCallback | None
    ) -> Diarization:
        """Diarize a recording, and name the speakers where there is a gallery."""
        result = diarizer(
            stream,
            num_speakers=self.count.exact,
            min_speakers=self.count.minimum,
            max_speakers=self.count.maximum,
            progress=progress,
        )
        if self.strict:
            check_found(len(result.annotation.labels()), self.count, result.duration)
        if self.gallery is None:
            return result
        from diarspk.diarization.identification import name_speakers
        from diarspk.verification.gallery import open_gallery

        with open_gallery(self.gallery) as people:
            return name_speakers(result, people)

    def write(self, result: Diarization, path: Path) -> None:
        """Write a result to a file."""
        result.write(path, exclusive=self.output.exclusive, vectors=self.output.vectors)

    def text_of(self, result: Diarization) -> str:
        """Text of the file that :meth:`write` writes."""
        from diarspk.diarization.document import write_diarization

        text, output = io.StringIO(), self.output
        suffix = f".{output.format.value.lower()}"
        write_diarization(result, text, suffix, exclusive=output.exclusive, vectors=output.vectors)
        return text.getvalue()
