"""``diarspk diarize``: who spoke when."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.options import Channel, Engine, Raw, Recordings, Track
from diarspk.cli.recordings import Reader, stem
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import Failures, exit_on_error, progress_display, say

if TYPE_CHECKING:
    from diarspk import Diarization, Diarizer
    from diarspk.audio import AudioStream

__all__ = ["Format", "diarize"]


class Format(str, Enum):
    """An output format, named as the suffix of its files."""

    RTTM = "rttm"
    JSON = "json"
    CSV = "csv"
    SRT = "srt"
    VTT = "vtt"
    AUDACITY = "txt"
    PRAAT = "TextGrid"


def diarize(
    recordings: Recordings,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for one file per recording, required for several recordings. "
            "Default: the result goes to stdout.",
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option(case_sensitive=False, help="Output format.")
    ] = Format.RTTM,
    num_speakers: Annotated[
        int | None, typer.Option(min=1, help="Number of speakers, if known.")
    ] = None,
    min_speakers: Annotated[
        int | None, typer.Option(min=1, help="Minimum number of speakers.")
    ] = None,
    max_speakers: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of speakers.")
    ] = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Speaker encoder: a name that `diarspk models` lists, or the path of a "
            "checkpoint, also of WeSpeaker, pyannote.audio, 3D-Speaker or SpeechBrain. With one "
            "of those, give --threshold or --num-speakers if you can.",
        ),
    ] = None,
    segmentation: Annotated[
        str | None,
        typer.Option(
            help="Segmentation: `silero`, or a segmentation checkpoint of pyannote.audio. "
            "Default: the segmentation head of the model in this package."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Cosine distance up to which clusters merge, for agglomerative clustering of "
            "local speakers. Default: VBx clustering, where the encoder has a PLDA.",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for first passes: the same recording with another number of speakers or "
            "threshold is then clustered without another pass.",
        ),
    ] = None,
    engine: Engine = "torch",
    precision: Annotated[
        str,
        typer.Option(
            help="Numerical precision of the networks: `auto` (bfloat16 where the processor has "
            "instructions for it), `single` or `bfloat16`."
        ),
    ] = "auto",
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Gallery of enrolled people, whose names replace the labels."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Say who spoke when in each recording."""
    count = _Count(num_speakers, min_speakers, max_speakers)
    count.check()
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    targets = _targets(recordings, output, format)
    failures = Failures()
    with exit_on_error():
        if cache is not None and cache.exists() and not cache.is_dir():
            raise typer.BadParameter(f"--cache must be a folder, {cache} is a file")
        if gallery is not None:
            _check_gallery(gallery)
        # A mistyped name is told at once, not after the models are loaded.
        readable = list(_readable(recordings, targets, reader, failures))
        if not readable:
            failures.exit()
        diarizer = _load_diarizer(encoder, segmentation, threshold, engine, cache, precision)
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
    with progress_display(quiet) as follow:
        for recording, stream, target in readable:
            with failures.caught(recording):
                result = diarizer(
                    stream,
                    num_speakers=count.exact,
                    min_speakers=count.minimum,
                    max_speakers=count.maximum,
                    progress=follow(recording.name),
                )
                if gallery is not None:
                    result = _name(result, gallery)
                if target is not None:
                    result.write(target)
                else:
                    sys.stdout.write(_to_text(result, format))
    failures.exit()


@dataclass(frozen=True)
class _Count:
    """Number of speakers as the options give it."""

    exact: int | None
    minimum: int | None
    maximum: int | None

    def check(self) -> None:
        if self.exact is not None and not (self.minimum is None and self.maximum is None):
            raise typer.BadParameter("give either --num-speakers or bounds, not both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise typer.BadParameter(
                f"--min-speakers {self.minimum} is above --max-speakers {self.maximum}"
            )


def _targets(recordings: list[Path], output: Path | None, format: Format) -> list[Path | None]:
    """Where each result goes, or a usage error before anything is done; None stands for stdout."""
    if output is None:
        if len(recordings) > 1:
            raise typer.BadParameter(f"{len(recordings)} recordings need -o DIR")
        return [None]
    if output.exists() and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder, {output} is a file")
    counts = Counter(stem(recording) for recording in recordings)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise typer.BadParameter(
            f"several recordings would write {output / repeated[0]}.{format.value}; "
            "rename one or use another -o for it"
        )
    return [output / f"{stem(recording)}.{format.value}" for recording in recordings]


def _readable(
    recordings: list[Path], targets: list[Path | None], reader: Reader, failures: Failures
) -> Iterator[tuple[Path, AudioStream, Path | None]]:
    """Open recordings; those that can be read come with where the result goes."""
    for recording, target in zip(recordings, targets, strict=True):
        with failures.caught(recording):
            yield recording, reader.open(recording), target


def _load_diarizer(
    encoder: str | None,
    segmentation: str | None,
    threshold: float | None,
    engine: str,
    cache: Path | None,
    precision: str,
) -> Diarizer:
    if threshold is not None:
        say(
            "note: --threshold replaces the default clusterer by agglomerative clustering of local "
            "speakers"
        )
    with quick_imports():
        from diarspk.diarization.diarizer import EMBEDDED, Diarizer
        from diarspk.encoders.precision import check_precision

        return Diarizer.load(
            encoder or EMBEDDED,
            segmentation=segmentation,
            threshold=threshold,
            engine=engine,
            cache=cache,
            precision=check_precision(precision),
        )


def _check_gallery(folder: Path) -> None:
    from diarspk.verification.gallery import open_gallery

    open_gallery(folder).close()


def _name(result: Diarization, folder: Path) -> Diarization:
    from diarspk.diarization.identification import name_speakers
    from diarspk.verification.gallery import open_gallery

    with open_gallery(folder) as people:
        return name_speakers(result, people)


def _to_text(result: Diarization, format: Format) -> str:
    """Text of the file that :meth:`Diarization.write` writes."""
    from diarspk.formats.saving import WRITERS

    text = io.StringIO()
    WRITERS[f".{format.value.lower()}"](result.annotation, text, confidence=result.confidence)
    return text.getvalue()
