"""Enroll people by voice, and identify them in any recording."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.cli.gallery_enrolment import Folder, enroll
from diarspk.cli.json_text import json_text
from diarspk.cli.options import AsJson, Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.table import aligned
from diarspk.cli.terminal import Failures, exit_on_error, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.verification.gallery import Gallery, Identification, Match

__all__ = ["gallery"]

gallery = typer.Typer(
    help="Enroll people by voice, and identify them in any recording.",
    no_args_is_help=True,
    add_completion=False,
)
gallery.command()(enroll)

Recordings = Annotated[
    list[Path], typer.Argument(metavar="AUDIO...", help="Recordings of one speaker each.")
]


@gallery.command()
def identify(
    recordings: Recordings,
    folder: Folder,
    known_prior: Annotated[
        float, typer.Option(help="Prior probability that the speaker is enrolled.")
    ] = 0.5,
    threshold: Annotated[
        float | None,
        typer.Option(help="Cosine similarity to accept at. Default: a probability of 1/2."),
    ] = None,
    as_json: AsJson = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Identify speakers: file, name or "unknown", probability, cosine, one line each."""
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    failures = Failures()
    with exit_on_error(), _opened(folder) as people:
        loaded = diarspk.load_encoder(encoder, device=device)
        for recording in recordings:
            with failures.caught(recording):
                answer = people.identify(
                    _embed_voice(loaded, recording, reader),
                    fingerprint=loaded.fingerprint,
                    known_prior=known_prior,
                    threshold=threshold,
                )
                _print_answer(recording, answer, as_json)
    failures.exit()


@gallery.command()
def search(
    recordings: Recordings,
    folder: Folder,
    limit: Annotated[int, typer.Option(min=1, help="Number of references to print.")] = 10,
    as_json: AsJson = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Search the references nearest to a voice: file, cosine, name, source, one line each."""
    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    failures = Failures()
    with exit_on_error(), _opened(folder) as people:
        loaded = diarspk.load_encoder(encoder, device=device)
        for recording in recordings:
            with failures.caught(recording):
                vector = _embed_voice(loaded, recording, reader)
                found = people.search(vector, fingerprint=loaded.fingerprint, limit=limit)
                _print_matches(recording, found, as_json)
    failures.exit()


@gallery.command("list")
def list_people(folder: Folder, as_json: AsJson = False) -> None:
    """List the enrolled people."""
    with exit_on_error(), _opened(folder) as people:
        found, space = people.people(), people.space
    if as_json:
        for person in found:
            print(json_text(asdict(person)))
        return
    rows = [
        [one.speaker, f"{one.references}", f"{one.seconds:.1f}", one.enrolled_at] for one in found
    ]
    print(aligned(["speaker", "references", "seconds", "last enrolled"], rows))
    say(f"{folder}: {space}")


@gallery.command()
def remove(
    speakers: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Names of the people to remove.")
    ],
    folder: Folder,
) -> None:
    """Remove people with all their references."""
    missing = 0
    with exit_on_error(), _opened(folder) as people:
        for speaker in speakers:
            count = people.remove(speaker)
            if count:
                print(f"{speaker}\t{count}")
            else:
                say(f"error: {folder}: nobody is called {speaker!r}; see `diarspk gallery list`")
                missing += 1
    if missing:
        raise typer.Exit(1)


@gallery.command()
def calibrate(folder: Folder) -> None:
    """Calibrate probabilities on the enrolled people; ten of them need two recordings or more."""
    from diarspk.verification.gallery.self_calibration import calibrate_by_references

    with exit_on_error(), _opened(folder) as people:
        print(json_text(asdict(calibrate_by_references(people))))


@gallery.command()
def index(folder: Folder) -> None:
    """Build the index of a gallery of more than 50,000 references now, not at the next search."""
    with exit_on_error(), _opened(folder) as people:
        if not people.build_index():
            say(f"{folder}: {len(people)} references are searched without an index")


@gallery.command()
def migrate(
    folder: Folder,
    alignment: Annotated[Path, typer.Argument(metavar="ALIGNMENT", help="From `align fit`.")],
) -> None:
    """Map the gallery into the space of another encoder, without the recordings."""
    from diarspk.verification.alignment import read_alignment
    from diarspk.verification.gallery.migration import migrate as move

    with exit_on_error(), _opened(folder) as people:
        move(people, read_alignment(alignment).map_from(people.space.fingerprint))
        say(f"{folder}: {people.space}")


def _embed_voice(
    encoder: diarspk.SpeakerEncoder, recording: Path, reader: Reader
) -> NDArray[np.float32]:
    """Embed a recording of one voice: ``(dim,)``; warns if it is less reliable."""
    from diarspk.audio import SAMPLE_RATE

    return encoder.embed(reader.read_voice(recording), SAMPLE_RATE)


def _opened(folder: Path) -> Gallery:
    from diarspk.verification.gallery import open_gallery

    return open_gallery(folder)


def _print_answer(recording: Path, answer: Identification, as_json: bool) -> None:
    if as_json:
        print(json_text({"file": str(recording), **asdict(answer)}))
        return
    best = answer.candidates[0] if answer.candidates else None
    probability = answer.unknown if answer.speaker is None or best is None else best.probability
    cosine = "-" if best is None else f"{best.score:.4f}"
    sure = "-" if probability is None else f"{probability:.4f}"
    print(f"{recording}\t{answer.speaker or 'unknown'}\t{sure}\t{cosine}")


def _print_matches(recording: Path, found: list[Match], as_json: bool) -> None:
    for match in found:
        if as_json:
            print(json_text({"file": str(recording), **asdict(match)}))
        else:
            print(f"{recording}\t{match.score:.4f}\t{match.speaker}\t{match.source}")
