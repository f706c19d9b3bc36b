"""Run the demo or the tests, build the site or the packages, in an environment made for it.

    python3 bootstrap.py demo    diarize a real recording of two people; RTTM on stdout
    python3 bootstrap.py test    install the pinned test environment, then run the tests
    python3 bootstrap.py docs    build the documentation site into site/; warnings are errors
    python3 bootstrap.py wheel   build the packages into dist/, and try the wheel on every Python

Python 3.10 or later with pip is all this needs: the environment ``.venv`` is made here even where
the system's Python is externally managed or lacks ``ensurepip``. Packages come from wherever pip
is configured to find them, on Python 3.11 in the versions of constraints.txt. What was installed
before is not installed again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PROGRAMS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = PROGRAMS / "python"
DIARSPK = PROGRAMS / "diarspk"
CONSTRAINTS = ROOT / "constraints.txt"
PINNED_PYTHON = (3, 11)  # of the versions in constraints.txt, some have no wheel for another Python
TEST_HALVES = (("tests/diarspk",), ("tests", "--ignore=tests/diarspk"))
SUPPORTED_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SAMPLE = ENVIRONMENT / "sample"

# Percent of statements that the tests run, by packages.
MIN_COVERAGE = {"diarspk tse": 92, "eval recipes": 80}

# These, set for other projects, would leak into the environment made here or forbid it.
VARIABLES = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
for _leaking in ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_CONSTRAINT"):
    VARIABLES.pop(_leaking, None)


def say(message: str) -> None:
    print(f"[bootstrap] {message}", file=sys.stderr, flush=True)


def run(*command: str | Path) -> None:
    """Run a command; all it prints is talk, so it goes to stderr."""
    subprocess.run(command, cwd=ROOT, env=VARIABLES, stdout=sys.stderr, check=True)


def output_of(*command: str | Path) -> str:
    return subprocess.run(
        command, cwd=ROOT, env=VARIABLES, stdout=subprocess.PIPE, check=True, text=True
    ).stdout


def works(*command: str | Path) -> bool:
    """Whether a command exists and succeeds."""
    try:
        return subprocess.run(command, cwd=ROOT, env=VARIABLES, capture_output=True).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    if not works(PYTHON, "-c", ""):
        say(f"making {ENVIRONMENT.name} with Python {sys.version.split()[0]}")
        venv.create(ENVIRONMENT, clear=True, symlinks=os.name != "nt")
    if not works(PYTHON, "-m", "pip", "--version"):
        borrow_pip()


def borrow_pip() -> None:
    """Install pip with the system's pip, of any version: a wheel of pip can run itself.

    Debian's Python has no ``ensurepip``, and pip before 22.3 cannot install into another Python.
    """
    say("installing pip")
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "download", "--no-deps", "--dest", folder, "pip")
        (wheel,) = Path(folder).glob("pip-*.whl")
        run(PYTHON, wheel / "pip", "install", "--no-deps", "--no-index", wheel)


def pip(command: str, *arguments: str | Path) -> None:
    """Run pip with the pinned versions; on another Python, with the newest that fit."""
    pinned = ("--constraint", CONSTRAINTS) if sys.version_info[:2] == PINNED_PYTHON else ()
    run(PYTHON, "-m", "pip", command, *pinned, *arguments)


def install(package: str) -> None:
    """Install ``.`` or ``.[extras]`` editable, unless this very set is there already."""
    make_environment()
    digest = hashlib.sha256(package.encode())
    for file in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(file.read_bytes())
    stamp = ENVIRONMENT / f"installed-{digest.hexdigest()[:16]}"
    if stamp.exists():
        return
    say(f"installing {package} into {ENVIRONMENT.name}; torch alone may be several GB")
    pip("install", "--editable", package)
    stamp.touch()


def fetch_sample() -> None:
    """Take the recording and its reference out of the wheel, without importing pyannote.audio."""
    if (SAMPLE / "sample.rttm").exists():
        return
    say("fetching the recording that pyannote.audio's wheel carries")
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--no-deps", "--dest", folder, "pyannote.audio")
        (wheel,) = Path(folder).glob("pyannote*.whl")
        SAMPLE.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in ("sample.wav", "sample.rttm"):
                (SAMPLE / name).write_bytes(archive.read(f"pyannote/audio/sample/{name}"))


def demo() -> None:
    """Diarize the sample: RTTM on stdout, its error rate on stderr."""
    install(".")
    fetch_sample()
    say(f"diarspk diarize {SAMPLE.relative_to(ROOT) / 'sample.wav'}")
    hypothesis = output_of(DIARSPK, "diarize", SAMPLE / "sample.wav")
    print(hypothesis, end="", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hypothesis.rttm"
        file.write_text(hypothesis, encoding="utf-8")
        say("diarspk score, against the reference that comes with the recording")
        run(DIARSPK, "score", SAMPLE / "sample.rttm", file)


def test() -> None:
    install(".[test]")
    say("pytest, under coverage: tests/diarspk, and at the same time all others")
    run_tests()
    run(PYTHON, "-m", "coverage", "combine", "--quiet")
    for packages, minimum in MIN_COVERAGE.items():
        say(f"coverage of {packages}, at least {minimum} %")
        include = ",".join(f"{package}/*" for package in packages.split())
        run(PYTHON, "-m", "coverage", "report", f"--include={include}", f"--fail-under={minimum}")


def run_tests() -> None:
    """Run both halves of the tests at once; the report of the second comes after the first's."""
    threads = str(max((os.cpu_count() or 1) // len(TEST_HALVES), 1))
    variables = {"OMP_NUM_THREADS": threads, **VARIABLES}
    pytest: list[str | Path] = [PYTHON, "-m", "coverage", "run", "--parallel-mode"]
    pytest += ["-m", "pytest"]
    with tempfile.TemporaryFile() as report:
        halves = [
            subprocess.Popen([*pytest, *half], cwd=ROOT, env=variables, stdout=stdout)
            for half, stdout in zip(TEST_HALVES, (None, report), strict=True)
        ]
        statuses = [half.wait() for half in halves]
        report.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(report, sys.stdout.buffer)
        sys.stdout.flush()
    for half, status in zip(halves, statuses, strict=True):
        if status:
            raise subprocess.CalledProcessError(status, half.args)


def docs() -> None:
    install(".[docs]")
    say("mkdocs build --strict")
    VARIABLES["NO_MKDOCS_2_WARNING"] = "1"  # an advertisement, not a warning about these pages
    run(PYTHON, "-m", "mkdocs", "build", "--strict", "--quiet")
    say("the site is in site/; open site/index.html")


def wheel() -> None:
    """Build source archive and wheel, and diarize with the wheel on every Python that is found.

    Each Python has an environment of its own, which is removed again: no version is pinned there,
    so this is what `pip install` gives a user today.
    """
    make_environment()
    fetch_sample()
    run(PYTHON, "-m", "pip", "install", "build")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    run(PYTHON, "-m", "build", "--outdir", ROOT / "dist", ROOT)
    (built,) = (ROOT / "dist").glob("*.whl")
    for version in SUPPORTED_PYTHONS:
        python = shutil.which(f"python{version}")
        if python is None or not works(python, "-c", ""):
            say(f"Python {version}: there is no python{version} on the path; left out")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try_wheel(built, Path(folder), python, version)


def try_wheel(built: Path, folder: Path, python: str, version: str) -> None:
    """Install the wheel into an empty environment, and diarize with it out of the checkout."""
    run(python, "-m", "venv", folder)
    programs = folder / PROGRAMS.name
    run(programs / "python", "-m", "pip", "install", "--quiet", built)
    recording = shutil.copy(SAMPLE / "sample.wav", folder)
    turns = subprocess.check_output(
        [programs / "diarspk", "diarize", recording], cwd=folder, env=VARIABLES, text=True
    )
    megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    packages = output_of(programs / "python", "-m", "pip", "list", "--format=freeze").split()
    print(
        f"Python {version}: {len(turns.splitlines())} turns, {len(packages)} packages, "
        f"{megabytes:.0f} MB",
        flush=True,
    )


def main() -> None:
    commands = {"demo": demo, "test": test, "docs": docs, "wheel": wheel}
    if sys.version_info < (3, 10):
        sys.exit("bootstrap.py: Python must be 3.10 or later, got " + sys.version.split()[0])
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        commands[sys.argv[1]]()
    except subprocess.CalledProcessError as error:
        program = Path(error.cmd[0]).name
        say(f"{program} failed with exit status {error.returncode}; its own message is above")
        sys.exit(1)


if __name__ == "__main__":
    main()
