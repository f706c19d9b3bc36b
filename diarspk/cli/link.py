"""``diarspk link``: one label for a person through a set of recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import diarspk
from diarspk.cli.json_text import json_text
from diarspk.cli.linked_files import PEOPLE, appearance_row, write_linked
from diarspk.cli.linking_work import DiarizedRecording, LinkingWork
from diarspk.cli.lists import SUFFIXES
from diarspk.cli.options import AsJson, Channel, Device, Encoder, Jobs, Quiet, Raw, Track
from diarspk.cli.recordings import Reader, Recording
from diarspk.cli.terminal import Failures, exit_on_error, say

if TYPE_CHECKING:
    from diarspk.diarization.people import Appearance

__all__ = ["link"]


def link(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="RTTM...", help="Diarizations, one or more recordings in each."),
    ],
    audio: Annotated[
        list[Path],
        typer.Option(
            metavar="AUDIO...",
            help="Recordings, named as in the diarizations, or folders of them.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for the results."),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Minimum score of one person, a log-likelihood ratio. Default: the encoder's. "
            "For an encoder that has none, a cosine."
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Minimum distance to the score of the next best. Default: the encoder's."
        ),
    ] = None,
    as_json: AsJson = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
    jobs: Jobs = 1,
    quiet: Quiet = False,
) -> None:
    """Give a person one label in all recordings, whoever it is.

    Writes each RTTM file with shared labels, and people.csv, into a folder. Prints person,
    recording, speaker, seconds of clean speech, score and margin, one line each.
    """
    # An option takes one value: what follows --audio beyond the first arrives as an argument.
    rttms = [file for file in files if file.suffix.lower() == ".rttm"]
    reader = Reader.of(files, channel=channel, track=track, raw=raw)
    targets = _targets(rttms, audio, output)
    failures = Failures()
    with exit_on_error():
        from diarspk.diarization.linking_criterion import choose_criterion

        found = _find_audio([*audio, *(file for file in files if file not in rttms)], failures)
        diarized = _read(rttms, found, failures)
        loaded = diarspk.load_encoder(encoder, device=device)
        criterion = choose_criterion(loaded.fingerprint, threshold, margin)
        work = LinkingWork(partial(diarspk.load_encoder, encoder, device=device), reader)
        linked = work.link(diarized, loaded, criterion, jobs, quiet)
        failures.count += linked.failed
        if not linked.recordings:
            failures.exit()
        write_linked(linked.people, linked.recordings, targets, output)
        _print(linked.people.appearances, as_json)
    failures.exit()


def _targets(rttms: Sequence[Path], audio: Sequence[Path], output: Path) -> dict[Path, Path]:
    """Where each file goes, or a usage error before anything is done."""
    if not rttms:
        raise typer.BadParameter("give RTTM files; their names end in .rttm")
    if output.exists() and not output.is_dir():
        raise typer.BadParameter(f"-o must be a folder, {output} is a file")
    counts = Counter(file.name.casefold() for file in rttms)
    for file in rttms:
        if counts[file.name.casefold()] > 1:
            raise typer.BadParameter(
                f"several files would write {output / file.name}; rename one of them"
            )
    targets = {file: output / file.name for file in rttms}
    inputs = {file.resolve() for file in (*rttms, *audio)}
    for target in (*targets.values(), output / PEOPLE):
        if target.resolve() in inputs:
            raise typer.BadParameter(f"{target} is an input; use another folder for -o")
    return targets


def _find_audio(given: Sequence[Path], failures: Failures) -> dict[str, list[Path]]:
    """List recordings by name, those of folders among them; two files may have one name."""
    from diarspk.formats.names import plain_name

    found: dict[str, list[Path]] = {}
    for path in given:
        if not path.exists() and path.suffix.lower() not in SUFFIXES:
            # A missing file is told where its recording is opened, a folder only here.
            failures.count += 1
            say(f"error: {path}: no such file or folder; check --audio")
            continue
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if path.is_dir() and (file.is_dir() or _is_text(file)):
                continue
            own = found.setdefault(plain_name(file.stem), [])
            if file.resolve() not in [other.resolve() for other in own]:
                own.append(file)
    return found


def _is_text(file: Path) -> bool:
    """Whether a file beside recordings is none itself."""
    texts = (".rttm", ".uem", ".txt", ".json", ".csv", ".srt", ".vtt", ".textgrid")
    return file.suffix.lower() in texts or file.name.startswith(".")


def _read(
    rttms: Sequence[Path], audio: dict[str, list[Path]], failures: Failures
) -> list[DiarizedRecording]:
    """Read the diarizations, and find the audio of each recording."""
    from diarspk.errors import FormatError
    from diarspk.formats import read_rttm
    from diarspk.formats.names import plain_name

    read: list[DiarizedRecording] = []
    places: dict[str, Path] = {}
    for file in sorted(rttms, key=lambda file: (file.name, str(file))):
        with failures.caught(file):
            annotations = read_rttm(file)
            if not annotations:
                raise FormatError("holds no turn; nobody in it can be linked", str(file))
            recordings = []
            for uri, annotation in annotations.items():
                # One recording may be called otherwise inside of its file, such as "audio".
                names = [uri] if len(annotations) > 1 else [plain_name(file.stem), uri]
                if names[0] in places:
                    fault = f"recording {names[0]} is in {places[names[0]]}, too; leave one out"
                    raise FormatError(fault, str(file))
                own = _choose_audio(names, audio, file)
                recordings.append(DiarizedRecording(names[0], file, annotation, Recording(own)))
            places |= dict.fromkeys((one.name for one in recordings), file)
            read += recordings
    return read


def _choose_audio(names: Sequence[str], audio: dict[str, list[Path]], file: Path) -> Path:
    from diarspk.errors import FormatError

    found = next((audio[name] for name in names if name in audio), [])
    # Cues, pictures and archives may lie beside a recording, and have its name.
    found = [one for one in found if one.suffix.lower() in SUFFIXES] or found
    if not found:
        fault = f"has no recording called {names[0]}; give --audio the file, or its folder"
        raise FormatError(fault, str(file))
    if len(found) > 1:
        raise FormatError(
            f"has two recordings of one name, {found[0]} and {found[1]}; leave one out", str(file)
        )
    return found[0]


def _print(appearances: Sequence[Appearance], as_json: bool) -> None:
    for one in appearances:
        print(json_text(asdict(one)) if as_json else "\t".join(appearance_row(one)))
