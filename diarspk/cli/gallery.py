"""Enroll people by voice, and identify them in any recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.cli.json_text import json_text
from diarspk.cli.options import AsJson, Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.table import aligned
from diarspk.cli.terminal import Failures, exit_on_error, say
from diarspk.errors import ModelError
from diarspk.formats.names import escape_undecoded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.embeddings.space import Space
    from diarspk.verification.gallery import Gallery, Identification, Match

__all__ = ["gallery"]

gallery = typer.Typer(
    help="Enroll people by voice, and identify them in any recording.",
    no_args_is_help=True,
    add_completion=False,
)

Folder = Annotated[
    Path, typer.Option("--gallery", "-g", metavar="DIR", help="Folder of the gallery.")
]
Recordings = Annotated[
    list[Path], typer.Argument(metavar="AUDIO...", help="Recordings of one speaker each.")
]


@gallery.command()
def enroll(
    speaker: Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.")],
    folder: Folder,
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="AUDIO...", help="Recordings of that person alone."),
    ] = None,
    meeting: Annotated[
        Path | None,
        typer.Option("--from", metavar="AUDIO", help="A recording of several people instead."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--speaker", metavar="LABEL", help="Which of them it is, such as SPEAKER_01."),
    ] = None,
    diarization: Annotated[
        Path | None,
        typer.Option(
            metavar="RTTM", help="Who speaks when in it. Default: it is diarized, with defaults."
        ),
    ] = None,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Enroll a person by recordings; the gallery is created if it does not exist.

    A recording that fails is reported, and the others are enrolled. Of a recording of several
    people, the speech is taken where the person talks and nobody else does.
    """
    if meeting is not None or label is not None or diarization is not None:
        if meeting is None or label is None or recordings:
            raise typer.BadParameter(
                "give either recordings, or --from and --speaker, with or without --diarization"
            )
        reader = Reader.of([meeting], channel=channel, track=track, raw=raw)
        with exit_on_error():
            _enroll_diarized(speaker, meeting, label, diarization, encoder, device, folder, reader)
        return
    if not recordings:
        raise typer.BadParameter("give recordings, or --from with --speaker")
    from diarspk.embeddings.profile import build_profile
    from diarspk.verification.gallery.names import check_name

    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    failures = Failures()
    found: dict[str, tuple[NDArray[np.float32], float]] = {}
    with exit_on_error():
        speaker = check_name(speaker)
        loaded = diarspk.load_encoder(encoder, device=device)
    for recording in recordings:
        with failures.caught(recording):
            found[str(recording)] = _embed(loaded, recording, reader)
    with exit_on_error():
        if found:
            for index in build_profile([row for row, _ in found.values()]).outliers:
                say(f"warning: {list(found)[index]}: does not sound like the others")
            _enroll(
                folder,
                replace(loaded.space, name=encoder or ""),
                lambda people: people.enroll(
                    speaker,
                    [row for row, _ in found.values()],
                    fingerprint=loaded.fingerprint,
                    sources=[escape_undecoded(file) for file in found],
                    seconds=[seconds for _, seconds in found.values()],
                ),
            )
            for file in found:
                print(f"{speaker}\t{file}")
    failures.exit()


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
                    _embed(loaded, recording, reader)[0],
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
                vector = _embed(loaded, recording, reader)[0]
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


def _enroll_diarized(
    speaker: str,
    recording: Path,
    label: str,
    diarization: Path | None,
    encoder: str | None,
    device: str,
    folder: Path,
    reader: Reader,
) -> None:
    """Enroll one speaker of a diarized recording by the pieces in which nobody else talks."""
    from diarspk.cli.diarized_voice import embed_diarized
    from diarspk.verification.gallery.names import check_name

    speaker = check_name(speaker)
    loaded, voice = embed_diarized(recording, label, diarization, encoder, device, reader)
    count = len(voice.vectors)
    _enroll(
        folder,
        replace(loaded.space, name=encoder or ""),
        lambda people: people.enroll(
            speaker,
            voice.vectors,
            fingerprint=loaded.fingerprint,
            sources=[escape_undecoded(f"{recording} {label}")] * count,
            seconds=[voice.seconds / count] * count,
        ),
    )
    print(f"{speaker}\t{recording}\t{label}\t{voice.seconds:.1f}")


def _opened(folder: Path) -> Gallery:
    from diarspk.verification.gallery import open_gallery

    return open_gallery(folder)


def _enroll(folder: Path, space: Space, put: Callable[[Gallery], object]) -> None:
    """Put somebody into a gallery; a new one is there only once that has succeeded."""
    from diarspk.verification.gallery.opening import has_gallery, new_gallery

    if not has_gallery(folder):
        try:
            with new_gallery(folder, space) as people:
                put(people)
            return
        except ModelError:
            if not has_gallery(folder):
                raise
    with _opened(folder) as people:  # it was there, or another process has made it meanwhile
        put(people)


def _embed(
    encoder: diarspk.SpeakerEncoder, recording: Path, reader: Reader
) -> tuple[NDArray[np.float32], float]:
    """Embedding ``(dim,)`` and duration in seconds; warns if it is less reliable."""
    from diarspk.audio import SAMPLE_RATE, load_audio
    from diarspk.features.speech_quality import check_speech

    waveform = load_audio(reader.open(recording))
    for message in check_speech(waveform):
        say(f"warning: {recording}: {message}")
    return encoder.embed(waveform, SAMPLE_RATE), len(waveform) / SAMPLE_RATE


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
