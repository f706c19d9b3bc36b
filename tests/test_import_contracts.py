"""A wrong import breaks the contract of its direction.

The tree itself is checked by ``lint-imports`` (``.ci/run``); here each contract meets an import
that it must refuse, a late one and one for type checkers among them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

WRONG = {
    "Imports go recipes -> eval -> tse -> diarspk, never back": (
        "diarspk/version.py",
        "import tse",
    ),
    "cli -> diarization -> segmentation -> encoders -> features -> audio": (
        "diarspk/audio/arrays.py",
        "def late():\n    from diarspk.features import log_mel",
    ),
    "encoders -> catalogue -> checkpoints": (
        "diarspk/catalogue/entry.py",
        "def late():\n    from diarspk.encoders import base",
    ),
    "diarization -> clustering -> embeddings": (
        "diarspk/embeddings/space.py",
        "from diarspk.clustering import base",
    ),
    "verification -> embeddings": (
        "diarspk/embeddings/profile.py",
        "from diarspk.verification import trials",
    ),
    "cues -> encoders": (
        "diarspk/encoders/base.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from diarspk.cues import speaker_cue",
    ),
    "metrics -> formats": ("diarspk/formats/__init__.py", "import diarspk.metrics"),
    "plots -> metrics, encoders": (
        "diarspk/encoders/clips.py",
        "def late():\n    from diarspk.plots import figure",
    ),
    "transcripts -> formats, audio": (
        "diarspk/formats/uem.py",
        "def late():\n    from diarspk.transcripts import word",
    ),
    "editing -> transcripts": (
        "diarspk/transcripts/word.py",
        "def late():\n    from diarspk.editing import turn",
    ),
    "review -> editing, audio": (
        "diarspk/editing/spans.py",
        "def late():\n    from diarspk.review import peaks",
    ),
    "Nothing below imports diarization": (
        "diarspk/models.py",
        "from diarspk.diarization import diarizer",
    ),
    "No circle between the modules of a package, late and TYPE_CHECKING imports counted": (
        "tse/cues.py",
        "from tse import losses",
    ),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the contracts that a copy of the tree breaks, each wrong import added to it."""
    folder = tmp_path_factory.mktemp("copy")
    for package in ("diarspk", "tse", "eval", "recipes"):
        ignored = shutil.ignore_patterns("assets", "results", "__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file, line in WRONG.values():
        with (folder / file).open("a") as stream:
            stream.write(f"\n\n{line}\n")
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=folder, env={"PYTHONPATH": "."}, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    return {name for name in WRONG if f"{name} BROKEN" in said}


@pytest.mark.parametrize("contract", WRONG)
def test_a_wrong_import_breaks_the_contract_of_its_direction(
    contract: str, broken: set[str]
) -> None:
    assert contract in broken


def test_every_contract_is_among_these() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = text.partition("[tool.importlinter]")[2]
    assert re.findall(r'^name = "(.*)"$', contracts, re.MULTILINE) == list(WRONG)
