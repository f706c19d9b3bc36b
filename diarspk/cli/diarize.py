"""``diarspk diarize``: who spoke when."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from diarspk.cli.batch import Batch
from diarspk.cli.batch_options import BatchOptions
from diarspk.cli.diarization_work import (
    Count,
    DiarizationWork,
    Format,
    Models,
    Output,
    named_diarizer,
)
from diarspk.cli.linked_batch import LinkedBatch
from diarspk.cli.lists import find_recordings
from diarspk.cli.options import (
    Adaptation,
    Boundaries,
    Channel,
    Clusterer,
    ConfigFile,
    Device,
    DiarizerEncoder,
    Engine,
    GalleryFolder,
    Jobs,
    Lists,
    Precision,
    Preset,
    Quiet,
    Raw,
    RayAddress,
    Resume,
    Segmentation,
    ShardOf,
    Threshold,
    Track,
)
from diarspk.cli.recordings import STDIN, Reader, Recording
from diarspk.cli.result_names import name_results
from diarspk.cli.terminal import Failures, exit_on_error, progress_display, say

__all__ = ["diarize"]


def diarize(
    recordings: Lists,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for one file per recording, and for the report of several; required for "
            "those. Default: the result goes to stdout.",
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
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Write nothing, and fail, where no speech is found or the number of speakers "
            "that was asked for cannot be met. Default: a warning.",
        ),
    ] = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    preset: Preset = None,
    encoder: DiarizerEncoder = None,
    segmentation: Segmentation = None,
    clusterer: Clusterer = None,
    adaptation: Adaptation = None,
    threshold: Threshold = None,
    boundaries: Boundaries = None,
    config: ConfigFile = None,
    exclusive: Annotated[
        bool,
        typer.Option(
            "--exclusive",
            help="Write at most one speaker at a time, the surest.",
        ),
    ] = False,
    vectors: Annotated[
        bool,
        typer.Option("--vectors", help="Write the embedding of each speaker to the JSON output."),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for first passes: the same recording with another number of speakers or "
            "threshold is then clustered without another pass.",
        ),
    ] = None,
    engine: Engine = "torch",
    precision: Precision = "auto",
    device: Device = "auto",
    gallery: GalleryFolder = None,
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Then give a person one label in all results (RTTM or JSON), as `diarspk link` "
            "does, and write people.csv.",
        ),
    ] = False,
    jobs: Jobs = 1,
    resume: Resume = False,
    shard: ShardOf = None,
    ray: RayAddress = None,
    quiet: Quiet = False,
) -> None:
    """Say who spoke when in each recording, or in each of a folder or a list."""
    count = Count(num_speakers, min_speakers, max_speakers)
    _check_count(count)
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    options = BatchOptions.of(jobs, resume, shard, ray)
    options.check_folder(output)
    if link:
        _check_link(recordings, format, output, shard)
    if vectors and format is not Format.JSON:
        raise typer.BadParameter(f"--vectors needs --format json, got {format.value}")
    models = Models(
        encoder=named_diarizer(preset, encoder),
        segmentation=segmentation,
        threshold=threshold,
        clusterer=clusterer,
        adaptation=adaptation,
        boundaries=None if boundaries is None else boundaries.value,
        config=config,
        engine=engine,
        precision=precision,
        device=device,
        cache=cache,
    )
    written = Output(format, exclusive, vectors)
    work = DiarizationWork(models, count, reader, gallery, written, strict)
    with exit_on_error():
        found = find_recordings(recordings)
        if output is None and len(found) > 1:
            raise typer.BadParameter(f"{len(found)} recordings need -o DIR")
        if cache is not None and cache.exists() and not cache.is_dir():
            raise typer.BadParameter(f"--cache must be a folder, {cache} is a file")
        work.check_gallery()
        if threshold is not None and clusterer is None and config is None:
            say(
                "note: --threshold replaces the default clusterer by agglomerative clustering of "
                "local speakers"
            )
        if output is not None and (link or options.are_many(recordings)):
            linking = LinkedBatch.prepare(work) if link else None
            finished = Batch(found, output, f".{format.value}", options).run(work, quiet)
            failed = finished.failed
            if linking is not None and finished.done:
                failed += linking.run(finished.done, output, jobs, quiet)
            if failed:
                raise typer.Exit(1)
            return
    _diarize_one(work, found[0], output, quiet)


def _diarize_one(
    work: DiarizationWork, recording: Recording, output: Path | None, quiet: bool
) -> None:
    """Write one result to stdout, or into a folder."""
    failures = Failures()
    (named,) = name_results([recording])
    with failures.caught(recording.path):
        # A mistyped name is told at once, not after the models are loaded.
        stream = work.open(named)
        with exit_on_error():
            diarizer = work.models.load()
            if output is not None:
                output.mkdir(parents=True, exist_ok=True)
        with progress_display(quiet) as follow:
            result = work.diarize(diarizer, stream, follow(recording.path.name))
            if output is not None:
                work.write(result, output / f"{named.stem}.{work.output.format.value}")
            else:
                sys.stdout.write(work.text_of(result))
    failures.exit()


def _check_link(
    recordings: Sequence[Path], format: Format, output: Path | None, shard: str | None
) -> None:
    if output is None:
        raise typer.BadParameter("--link needs -o DIR")
    if STDIN in recordings:
        raise typer.BadParameter("--link reads recordings twice, and - stands for stdin")
    if format not in {Format.RTTM, Format.JSON}:
        raise typer.BadParameter(f"--link needs --format rttm or json, got {format.value}")
    if shard is not None:
        raise typer.BadParameter(
            "--link needs all of the list; leave --shard out, or run it again with --resume then"
        )


def _check_count(count: Count) -> None:
    if count.exact is not None and not (count.minimum is None and count.maximum is None):
        raise typer.BadParameter("give either --num-speakers or bounds, not both")
    if count.minimum is not None and count.maximum is not None and count.minimum > count.maximum:
        raise typer.BadParameter(
            f"--min-speakers {count.minimum} is above --max-speakers {count.maximum}"
        )
