"""Importing the library needs the core packages only, and changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.paths import ROOT

IMPORT_ALL = """
import importlib, pkgutil

def import_all(name, skipped=()):
    package = importlib.import_module(name)
    names = [name]
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.startswith(skipped) or module.name in skipped and module.ispkg:
            importlib.import_module(module.name)
            names.append(module.name)
    return names
"""

OPTIONAL = (
    *("torchaudio", "torchcodec", "pyannote.audio", "s3prl", "onnxruntime", "silero_vad"),
    *("librosa", "lightning", "transformers", "matplotlib", "resemblyzer", "faster_whisper"),
    *("fastapi", "uvicorn", "mcp", "prometheus_client"),
)

OF_EXTRAS = ("diarspk.server", "diarspk.mcp_server", "tse.server_routes", "tse.mcp_tools")
"""What is wholly of an extra, whose modules may import its packages when they are imported."""

STATE = """
import logging, os, random, signal, threading, warnings
import numpy, torch

def state():
    return {
        "torch threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "default dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "random states": (torch.initial_seed(), random.getstate(), str(numpy.random.get_state())),
        "running threads": threading.active_count(),
        "log handlers": list(logging.getLogger().handlers),
        "warning filters": list(warnings.filters),
        "interrupt": signal.getsignal(signal.SIGINT),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }
"""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["diarspk", "tse"])
def test_every_module_imports_without_optional_packages(package: str) -> None:
    blocked = f"import sys\nsys.modules.update(dict.fromkeys({OPTIONAL!r}))\n"
    imports = f"{IMPORT_ALL}print(*import_all({package!r}, {OF_EXTRAS!r}))"
    names = run_python(f"{blocked}{imports}").split()
    assert package in names
    if package == "diarspk":
        assert {"diarspk.audio", "diarspk.cli.diarize", "diarspk.encoders.base"} <= set(names)


def test_importing_changes_no_setting_of_the_process() -> None:
    # What other packages do when they are imported is theirs: they come first.
    others = (
        "import pandas, pyannote.core, pyannote.metrics.diarization, sklearn, spectralcluster\n"
    )
    code = (
        f"{STATE}{IMPORT_ALL}{others}"
        "before = state()\n"
        "import_all('diarspk')\n"
        "after = state()\n"
        "print([name for name in before if before[name] != after[name]])"
    )
    assert run_python(code).strip() == "[]"


def test_importing_opens_no_connection() -> None:
    refuse = (
        "import socket\n"
        "def refuse(*arguments): raise AssertionError('a connection was opened')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
    )
    assert "diarspk" in run_python(f"{refuse}{IMPORT_ALL}print(*import_all('diarspk'))").split()


@pytest.mark.parametrize("package", ["diarspk", "tse"])
def test_the_package_itself_imports_nothing_heavy(package: str) -> None:
    code = (
        f"import sys, {package}\n"
        "heavy = ['torch', 'scipy', 'sklearn', 'pandas', 'pyannote.metrics', 'soundfile']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert run_python(code).strip() == "[]"
