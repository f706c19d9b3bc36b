"""``diarspk gallery enroll``: people of whom there are recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.cli.options import Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader, tell_doubts
from diarspk.cli.terminal import Failures, exit_on_error, say
from diarspk.errors import AudioError, ModelError
from diarspk.formats.names import escape_undecoded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.audio.source import Samples
    from diarspk.embeddings.space import Space
    from diarspk.verification.gallery import Gallery

__all__ = ["Folder", "enroll"]

Folder = Annotated[
    Path, typer.Option("--gallery", "-g", metavar="DIR", help="Folder of the gallery.")
]


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

    A recording that fails or has no speech is reported, and the others are enrolled. One that the
    person has already is not counted again. Of a recording of several people, the speech is taken
    where the person talks and nobody else does.
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
    from diarspk.audio import SAMPLE_RATE
    from diarspk.embeddings.profile import build_profile
    from diarspk.verification.gallery.names import check_name

    reader = Reader.of(recordings, channel=channel, track=track, raw=raw)
    failures = Failures()
    files: list[str] = []
    rows: list[NDArray[np.float32]] = []
    lengths: list[float] = []
    with exit_on_error():
        speaker = check_name(speaker)
        loaded = diarspk.load_encoder(encoder, device=device)
        diarizer = _load_speech_finder(encoder, device)
    for recording in recordings:
        with failures.caught(recording):
            waveform = _read_speech(recording, reader, diarizer)
            rows.append(loaded.embed(waveform, SAMPLE_RATE))
            lengths.append(len(waveform) / SAMPLE_RATE)
            files.append(str(recording))
    with exit_on_error():
        if files:
            for index in build_profile(rows).outliers:
                say(f"warning: {files[index]}: does not sound like the others")
            _put(
                folder,
                replace(loaded.space, name=encoder or ""),
                lambda people: people.enroll(
                    speaker,
                    rows,
                    fingerprint=loaded.fingerprint,
                    sources=[escape_undecoded(file) for file in files],
                    seconds=lengths,
                    distinct=True,
                ),
            )
            for file in dict.fromkeys(files):
                print(f"{speaker}\t{file}")
    failures.exit()


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
    _put(
        folder,
        replace(loaded.space, name=encoder or ""),
        lambda people: people.enroll(
            speaker,
            voice.vectors,
            fingerprint=loaded.fingerprint,
            sources=[escape_undecoded(f"{recording} {label}")] * count,
            seconds=[voice.seconds / count] * count,
            distinct=True,
        ),
    )
    print(f"{speaker}\t{recording}\t{label}\t{voice.seconds:.1f}")


def _put(folder: Path, space: Space, put: Callable[[Gallery], object]) -> None:
    """Put somebody into a gallery; a new one is there only once that has succeeded."""
    from diarspk.verification.gallery.opening import has_gallery, new_gallery, open_gallery

    if not has_gallery(folder):
        try:
            with new_gallery(folder, space) as people:
                put(people)
            return
        except ModelError:
            if not has_gallery(folder):
                raise
    with open_gallery(folder) as people:  # it was there, or another process has made it meanwhile
        put(people)


def _load_speech_finder(encoder: str | None, device: str) -> diarspk.Diarizer:
    """Load the encoder's own segmentation head, or the embedded one where it has none."""
    from diarspk.diarization.diarizer import EMBEDDED
    from diarspk.segmentation.loading import has_segmentation_head

    own = encoder is not None and has_segmentation_head(encoder)
    return diarspk.Diarizer.load(encoder if encoder and own else EMBEDDED, device=device)


def _read_speech(recording: Path, reader: Reader, diarizer: diarspk.Diarizer) -> Samples:
    """Read a recording of one voice ``(time,)`` at 16 kHz; warns if it is a doubtful one.

    Raises
    ------
    AudioError
        If it cannot be read, or nobody talks in it.
    """
    from diarspk.audio import SAMPLE_RATE, load_audio

    waveform = load_audio(reader.open(recording))
    if not diarizer.first_pass(waveform, SAMPLE_RATE).local.talking.any():
        raise AudioError(
            f"{recording}: no speech was found in {len(waveform) / SAMPLE_RATE:.1f} s; give a "
            "recording in which the person talks"
        )
    tell_doubts(recording, waveform)
    return waveform
