"""A diarizer starts with little: no package that only other tasks need."""

import subprocess
import sys

import pytest

HEAVY = {"matplotlib", "pandas", "sklearn", "spectralcluster", "pyannote", "torchaudio"}
MAX_MODULES = 84
"""Modules of the library behind ``Diarizer()``: 81, and room for three."""

ABSENT = HEAVY | {"lightning", "librosa", "onnx", "onnxruntime", "transformers", "s3prl"}


def modules_after(code):
    """Modules that a fresh interpreter has imported after some code."""
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(found.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    names = {name.partition(".")[0] for name in modules_after("import diarspk")}
    assert not names & (ABSENT | {"numpy", "torch", "scipy", "typer"})


def test_a_diarizer_imports_only_what_it_is_made_of():
    modules = modules_after("import diarspk; diarspk.Diarizer()")
    assert not {name.partition(".")[0] for name in modules} & ABSENT
    assert not {"scipy.optimize", "scipy.stats", "scipy.signal"} & modules
    own = {name for name in modules if name.partition(".")[0] == "diarspk"}
    assert not {name for name in own if name.startswith("diarspk.cli")}
    architectures = {name for name in own if name.startswith("diarspk.encoders.architectures.")}
    assert len(own) <= MAX_MODULES
    assert len(architectures) <= 2  # the pooling of the embedded network, and its package


@pytest.mark.parametrize("other", ["matplotlib", "pyannote.core.notebook"])
def test_the_command_leaves_matplotlib_alone_and_its_module_usable(other):
    code = "from diarspk.cli.start_up import quick_imports\nwith quick_imports(): pass\n"
    assert other not in modules_after(code)
    again = f"{code}import pyannote.core.notebook"
    assert "pyannote.core.notebook" in modules_after(again)
