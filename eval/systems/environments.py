"""Virtual environments of other projects' systems, whose pins never meet those of this package.

pip makes an environment on first use, from ``requirements/NAME.txt``, in the folder that the
variable ``DIARSPK_ENVIRONMENTS`` names (default: ``diarspk/environments`` in the user's cache
folder). A changed pin or another Python makes a new one; all of them are safe to delete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

from diarspk.errors import ArgumentError, DiarspkError

__all__ = [
    "REQUIREMENTS",
    "PeerError",
    "environment_path",
    "environments_folder",
    "isolated_variables",
    "make_environment",
    "python_of",
]

REQUIREMENTS = Path(__file__).parent / "requirements"
VARIABLE = "DIARSPK_ENVIRONMENTS"

# Set for the environment that runs this, they would leak into the one made here, or forbid it.
LEAKING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_CONSTRAINT", "VIRTUAL_ENV")
PIP_SETTINGS = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}


class PeerError(DiarspkError):
    """A system of another project cannot be installed, or failed."""


def environments_folder() -> Path:
    """Folder that holds the environments, whether or not it exists yet."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "diarspk" / "environments"


def environment_path(name: str) -> Path:
    """Path of an environment, whether or not it has been made.

    Parameters
    ----------
    name
        Of a file of requirements.

    Raises
    ------
    ArgumentError
        If there is no such file.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    if not requirements.is_file():
        known = ", ".join(sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))
        raise ArgumentError(f"`name` must be an environment of {known}, got {name!r}")
    described = requirements.read_bytes() + f"{sys.implementation.cache_tag}".encode()
    digest = hashlib.sha256(described).hexdigest()[:8]
    return environments_folder() / f"{name}-{digest}"


def python_of(environment: Path) -> Path:
    """Interpreter of an environment."""
    programs = "Scripts" if os.name == "nt" else "bin"
    return environment / programs / ("python.exe" if os.name == "nt" else "python")


def make_environment(name: str) -> Path:
    """Make the environment of a system, unless it is there; its path.

    Raises
    ------
    ArgumentError
        If no environment has that name.
    PeerError
        If pip is missing or fails: in one line, with the file that holds all that pip said.
    """
    target = environment_path(name)
    if python_of(target).exists():
        return target
    print(
        f"making the environment of {name} in {target}; PyTorch may be several GB", file=sys.stderr
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made beside its place and moved there whole: an interrupted one is never taken for done.
        draft = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    except OSError as error:
        raise PeerError(
            f"{target.parent}: cannot be written ({error.strerror}); set {VARIABLE} to a folder "
            "that can"
        ) from None
    try:
        venv.create(draft, symlinks=os.name != "nt")
        _install(name, draft, target.with_suffix(".log"))
        _move(draft, target)
    except OSError as error:
        raise PeerError(f"the environment of {name} cannot be made: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def isolated_variables(environment: Path) -> Mapping[str, str]:
    """Variables for a process in an environment: nothing of ours, and a home of its own.

    Some packages write caches into the home folder when they are imported.
    """
    passed = {key: value for key, value in os.environ.items() if key not in LEAKING}
    home = environment / "home"
    home.mkdir(exist_ok=True)
    return {**passed, "HOME": str(home), "USERPROFILE": str(home)}


def _install(name: str, environment: Path, log: Path) -> None:
    requirements = REQUIREMENTS / f"{name}.txt"
    command = [
        *(sys.executable, "-m", "pip", "--python", str(python_of(environment))),
        *("install", "--disable-pip-version-check", "--requirement", str(requirements)),
    ]
    variables = {key: value for key, value in os.environ.items() if key not in LEAKING}
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(
            command, env={**variables, **PIP_SETTINGS}, stdout=stream, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise PeerError(
            f"the environment of {name} cannot be made: {_fault(log)}; it needs pip 22.3 or later, "
            "Python 3.11 to 3.13, a package index, and for webrtcvad a C compiler; all that pip "
            f"said is in {log}"
        )


def _fault(log: Path) -> str:
    """Find the error that pip gave; without one, its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    spoken = [line.strip() for line in lines if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in spoken if line.startswith("ERROR: ")]
    return next(iter(errors or spoken[-1:]), "pip said nothing")


def _move(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:  # another process was faster
        if not python_of(target).exists():
            raise
