"""``diarspk review``: a page to see, play and correct a diarization."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.cli.options import Channel, Quiet, Raw, Track
from diarspk.cli.recordings import STDIN, Reader, stem
from diarspk.cli.review_start import ReviewStart
from diarspk.cli.start_up import quick_imports
from diarspk.cli.terminal import exit_on_error, progress_display, say
from diarspk.errors import FormatError

if TYPE_CHECKING:
    from diarspk.transcripts import Transcript

__all__ = ["review"]


def review(
    audio: Annotated[Path, typer.Argument(metavar="AUDIO", help="Recording; - is stdin.")],
    diarization: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who speaks when: RTTM, or JSON of `diarspk diarize`. Default: the recording is "
            "diarized.",
        ),
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Words to show with the turns; what `diarspk transcript` reads."
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Log of the corrections, which is gone on with where it is there. Default: "
            "NAME.edits.jsonl beside the diarization, or else beside the recording.",
        ),
    ] = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="Do the corrections of the log again, on another --diarization."
        ),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="PAGE.html",
            help="Write one read-only page with the sound in it, and serve nothing.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 is one that is free.")
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address only, open no browser.")
    ] = False,
    num_speakers: Annotated[
        int | None, typer.Option(min=1, help="Number of speakers, if known, to diarize with.")
    ] = None,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Recording, where files hold several of them."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for first passes, so that they are computed once."
        ),
    ] = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    quiet: Quiet = False,
) -> None:
    """Open a page in the browser to see, play and correct who speaks when."""
    reader = Reader.of([audio], channel=channel, track=track, raw=raw)
    if replay and diarization is None:
        raise typer.BadParameter("--replay needs --diarization FILE to do the corrections on")
    if num_speakers is not None and diarization is not None:
        raise typer.BadParameter("--num-speakers is for a recording to diarize")
    with exit_on_error():
        # What cannot work is told at once, not after the recording is diarized.
        if export is not None and not export.absolute().parent.is_dir():
            raise FormatError("cannot be written: there is no such folder; make it", str(export))
        if cache is not None and cache.exists() and not cache.is_dir():
            raise typer.BadParameter(f"--cache must be a folder, {cache} is a file")
        with quick_imports():
            from diarspk.review import render_page
            from diarspk.review.application import check_installed
        stream = reader.open(audio)
        words = None if transcript is None else _read_words(transcript, recording)
        log = edits or _default_log(audio, diarization)
        start = ReviewStart(stream, log, diarization, recording, replay, num_speakers, cache)
        if export is not None:
            with progress_display(quiet) as follow:
                report = follow(audio.name)
                edited = start.begin(report, keep=False).edited
                page = render_page(edited, audio=stream, transcript=words, progress=report)
            page.write(export)
            return
        check_installed()
        start.check_log()
        _serve(start, words, port, not no_browser, quiet)


def _serve(
    start: ReviewStart, words: Transcript | None, port: int, browser: bool, quiet: bool
) -> None:
    with quick_imports():
        from diarspk.review import PlayableRecording, ReviewSession, serve
        from diarspk.review.server import bind

    with bind(port) as taken:
        with progress_display(quiet) as follow:
            begun = start.begin(follow(start.stream.name))
        session = ReviewSession(
            begun.edited,
            start.log,
            transcript=words,
            analysis=begun.analysis,
            notes=begun.notes,
        )
        recording = PlayableRecording(start.stream)
        try:
            serve(session, recording, taken, browser=browser, ready=_tell)
        except KeyboardInterrupt:  # the way to end it
            pass
        finally:
            saved = start.log.exists()
            say(f"corrections: {start.log}" if saved else "nothing was corrected")


def _tell(address: str) -> None:
    print(address, flush=True)
    say("Ctrl-C ends the review; every correction is saved at once")


def _default_log(audio: Path, diarization: Path | None) -> Path:
    beside = Path(f"{stem(audio)}.wav") if audio == STDIN else audio
    base = diarization or beside
    return base.with_name(f"{base.stem}.edits.jsonl")


def _read_words(transcript: Path, recording: str | None) -> Transcript:
    with quick_imports():
        from diarspk.transcripts import read_transcript

    return read_transcript(transcript, recording)
