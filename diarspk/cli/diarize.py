"""``diarspk diarize``: who spoke when."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import diarspk
from diarspk.cli.terminal import Failures, exit_on_error, progress_display

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
    recordings: Annotated[
        list[Path], typer.Argument(metavar="AUDIO...", help="Recordings of any format and rate.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for one file per recording; needed for several recordings. "
            "Without it, the result goes to stdout.",
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option(case_sensitive=False, help="Output format.")
    ] = Format.RTTM,
    num_speakers: Annotated[
        int | None, typer.Option(min=1, help="How many people speak, if known.")
    ] = None,
    min_speakers: Annotated[int | None, typer.Option(min=1, help="At least so many.")] = None,
    max_speakers: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    channel: Annotated[
        int | None, typer.Option(min=0, help="Use this channel, from 0; without it, their mean.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            "--model",
            help="Encoder: a name that `diarspk models` lists, or the path of a checkpoint, also "
            "of WeSpeaker, pyannote.audio, 3D-Speaker or SpeechBrain. With one of those, give "
            "--threshold or --num-speakers where you can.",
        ),
    ] = None,
    segmentation: Annotated[
        str | None,
        typer.Option(
            help="What tells speech and local speakers: `silero`, or a segmentation checkpoint of "
            "pyannote.audio; without it, the activity head of the embedded model."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0.0, help="Distance up to which clusters merge; the default otherwise."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep the pass over each recording here: the same recording with another count "
            "or threshold is then clustered without listening again.",
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="What runs the network: `torch`, or `onnx` (an extra).")
    ] = "torch",
    precision: Annotated[
        str,
        typer.Option(
            help="In which the networks multiply matrices: `auto` (bfloat16 where the processor "
            "has instructions for it), `single` or `bfloat16`."
        ),
    ] = "auto",
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Name the speakers whom this gallery knows."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Say who spoke when in each recording."""
    _check_bounds(num_speakers, min_speakers, max_speakers)
    targets = _targets(recordings, output, format)
    failures = Failures()
    with exit_on_error():
        if cache is not None and cache.exists() and not cache.is_dir():
            raise typer.BadParameter(f"--cache must be a folder, {cache} is a file")
        if gallery is not None:
            _check_gallery(gallery)
        # a mistyped name is told at once, not when the models are there
        readable = list(_readable(recordings, targets, channel, failures))
        if not readable:
            failures.exit()
        diarizer = _load_diarizer(model, segmentation, cache, threshold, engine, precision)
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
    with progress_display(quiet) as follow:
        for recording, target in readable:
            with failures.caught(recording):
                result = diarizer(
                    recording,
                    channel=channel,
                    num_speakers=num_speakers,
                    min_speakers=min_speakers,
                    max_speakers=max_speakers,
                    progress=follow(recording.name),
                )
                if gallery is not None:
                    result = _name(result, gallery)
                if target is not None:
                    result.write(target)
                else:
                    _print(result, format)
    failures.exit()


def _check_bounds(exact: int | None, minimum: int | None, maximum: int | None) -> None:
    if exact is not None and not (minimum is None and maximum is None):
        raise typer.BadParameter("give either --num-speakers or bounds, not both")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise typer.BadParameter(f"--min-speakers {minimum} is above --max-speakers {maximum}")


def _targets(recordings: list[Path], output: Path | None, format: Format) -> list[Path | None]:
    """Where each result goes, or a usage error before anything is done; None stands for stdout."""
    if output is None:
        if len(recordings) > 1:
            raise typer.BadParameter(f"{len(recordings)} recordings need -o DIR")
        return [None]
    if output.exists() and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder, {output} is a file")
    counts = Counter(recording.stem for recording in recordings)
    if repeated := [stem for stem, count in counts.items() if count > 1]:
        raise typer.BadParameter(
            f"several recordings would write {output / repeated[0]}.{format.value}; "
            "rename one or use another -o for it"
        )
    return [output / f"{recording.stem}.{format.value}" for recording in recordings]


def _readable(
    recordings: list[Path], targets: list[Path | None], channel: int | None, failures: Failures
) -> Iterator[tuple[Path, Path | None]]:
    """Keep recordings whose headers can be read, each with where its result goes."""
    from diarspk.audio import open_audio

    for recording, target in zip(recordings, targets, strict=True):
        with failures.caught(recording):
            open_audio(recording, channel=channel)
            yield recording, target


def _load_diarizer(
    model: str | None,
    segmentation: str | None,
    cache: Path | None,
    threshold: float | None,
    engine: str,
    precision: str,
) -> diarspk.Diarizer:
    from diarspk.encoders.precision import check_precision
    from diarspk.segmentation.loading import has_activity_head, load_segmenter

    config = None
    if threshold is not None:
        from diarspk.diarization.defaults import LOCAL_CLUSTERER
        from diarspk.diarization.result import with_threshold

        config = diarspk.DiarizerConfig(clusterer=with_threshold(LOCAL_CLUSTERER, threshold))
    encoder = None if model is None else diarspk.load_encoder(model)
    if engine != "torch":
        from diarspk.encoders.onnx import with_engine

        encoder = with_engine(encoder or diarspk.load_encoder(), engine)
    named = segmentation or (model if has_activity_head(model) else None)
    segmenter = None if named is None else load_segmenter(named)
    return diarspk.Diarizer(
        config, encoder, segmenter, cache=cache, precision=check_precision(precision)
    )


def _check_gallery(folder: Path) -> None:
    from diarspk.verification.gallery import open_gallery

    open_gallery(folder).close()


def _name(result: diarspk.Diarization, folder: Path) -> diarspk.Diarization:
    from diarspk.diarization.identification import name_speakers
    from diarspk.verification.gallery import open_gallery

    with open_gallery(folder) as people:
        return name_speakers(result, people)


def _print(result: diarspk.Diarization, format: Format) -> None:
    """Print what :meth:`Diarization.write` writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"result.{format.value}"
        result.write(file)
        sys.stdout.write(file.read_text(encoding="utf-8"))
