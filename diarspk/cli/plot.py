"""Draw a diarization: timeline, errors, similarity of turns, map of the speakers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.options import Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, say
from diarspk.errors import FormatError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pyannote.core import Annotation

    from diarspk.audio import AudioStream
    from diarspk.plots import TurnEmbeddings

__all__ = ["plot"]

plot = typer.Typer(
    help="Draw a diarization: timeline, errors, similarity of turns, map of the speakers.",
    no_args_is_help=True,
    add_completion=False,
)

Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="Picture to write: .svg, .png or .pdf."),
]
Recording = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Recording, where the RTTM file holds several."),
]
Audio = Annotated[Path, typer.Argument(metavar="AUDIO", help="Recording; - is stdin.")]
Diarization = Annotated[
    Path | None,
    typer.Option(metavar="RTTM", help="Who speaks when. Default: the recording is diarized."),
]


@plot.command()
def timeline(
    source: Annotated[
        Path, typer.Argument(metavar="RTTM|AUDIO", help="Diarization, or recording to diarize.")
    ],
    output: Output,
    recording: Recording = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    device: Device = "auto",
) -> None:
    """Draw a lane of turns for each speaker; those of a recording are paler, the less sure."""
    with exit_on_error():
        _check_output(output)
        from diarspk.plots import plot_timeline

        if source.suffix.lower() == ".rttm":
            found = _read(source, recording)
            figure = plot_timeline(found, title=str(found.uri))
        else:
            with quick_imports():
                from diarspk.diarization.diarizer import Diarizer
            reader = Reader.of([source], channel=channel, track=track, raw=raw)
            result = Diarizer(device=device)(reader.open(source))
            figure = plot_timeline(
                result.annotation,
                confidence=result.confidence,
                duration=result.duration,
                title=result.uri,
            )
        _save(figure, output)


@plot.command()
def errors(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="Reference RTTM.")],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="Hypothesis RTTM.")],
    output: Output,
    uem: Annotated[Path | None, typer.Option(help="UEM file: regions to score.")] = None,
    recording: Recording = None,
) -> None:
    """Draw a hypothesis above its reference, and what is wrong."""
    with exit_on_error():
        _check_output(output)
        from diarspk.formats import read_uem
        from diarspk.plots import plot_errors

        truth = _read(reference, recording)
        found = _read(hypothesis, recording or str(truth.uri))
        regions = None if uem is None else read_uem(uem).get(str(truth.uri))
        if uem is not None and regions is None:
            raise FormatError(f"holds no recording {str(truth.uri)!r}; check the name", str(uem))
        _save(plot_errors(truth, found, regions), output)


@plot.command()
def similarity(
    audio: Audio,
    output: Output,
    diarization: Diarization = None,
    recording: Recording = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Draw how much the voice of each turn is like that of each other one."""
    with exit_on_error():
        _check_output(output)
        from diarspk.plots import plot_similarity

        reader = Reader.of([audio], channel=channel, track=track, raw=raw)
        turns = _embed(reader.open(audio), diarization, recording, encoder, device)
        _save(plot_similarity(turns), output)


@plot.command("map")
def speaker_map(
    audio: Audio,
    output: Output,
    diarization: Diarization = None,
    recording: Recording = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Draw the turns of all speakers as points in a plane."""
    with exit_on_error():
        _check_output(output)
        from diarspk.plots import plot_speaker_map

        reader = Reader.of([audio], channel=channel, track=track, raw=raw)
        turns = _embed(reader.open(audio), diarization, recording, encoder, device)
        _save(plot_speaker_map(turns), output)


def _check_output(output: Path) -> None:
    """Tell at once what cannot be written, not after the recording is processed."""
    from diarspk.plots.figure import check_suffix, new_figure

    check_suffix(str(output))
    new_figure(1, 1)
    if not output.parent.is_dir():
        raise FormatError("cannot be written: there is no such folder; make it", str(output))


def _save(figure: Figure, output: Path) -> None:
    from diarspk.plots import save_figure

    save_figure(figure, output)


def _read(file: Path, recording: str | None) -> Annotation:
    from diarspk.formats import read_rttm

    found = read_rttm(file)
    if recording is None and len(found) == 1:
        return next(iter(found.values()))
    if recording is None:
        names = ", ".join([*list(found)[:5], "..."][: len(found)])
        raise FormatError(
            f"holds {len(found)} recordings ({names}); say which one (--recording)"
            if found
            else "holds no turn",
            str(file),
        )
    if recording not in found:
        raise FormatError(f"holds no recording {recording!r}; check the name", str(file))
    return found[recording]


def _embed(
    stream: AudioStream,
    diarization: Path | None,
    recording: str | None,
    encoder: str | None,
    device: str,
) -> TurnEmbeddings:
    given = None if diarization is None else _read(diarization, recording)
    if given:
        from diarspk.transcripts.same_recording import check_same_recording

        end = given.get_timeline(copy=False).extent().end
        uri = None if recording else str(given.uri)
        check_same_recording(str(diarization), end, uri, stream)
    with quick_imports():
        from diarspk.diarization.diarizer import Diarizer
        from diarspk.encoders.loading import load_encoder
        from diarspk.plots import embed_turns

        loaded = load_encoder(encoder, device=device)
    annotation = Diarizer(device=device)(stream).annotation if given is None else given
    turns = embed_turns(loaded, stream, annotation)
    left = len(list(annotation.itertracks())) - len(turns.speakers)
    if left:
        say(f"note: {left} turns have less than 0.5 s to themselves and are left out")
    return turns
