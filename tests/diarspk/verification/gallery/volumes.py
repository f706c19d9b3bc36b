"""Volumes that are full or read-only, in a mount namespace of a child process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.paths import ROOT

__all__ = ["run_with_mounts"]


def run_with_mounts(mounts: str, script: str) -> str:
    """Run a Python script after shell commands that mount; skips where mounting is not allowed.

    What is mounted is gone when the child ends. Returns what the script prints.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs Linux's mount namespaces")
    allowed = subprocess.run(
        [unshare, "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True
    )
    if allowed.returncode:
        pytest.skip("mounting is not allowed here")
    command = f'{mounts}\nexec "$0" -c "$1"'
    done = subprocess.run(
        [unshare, "-rm", "sh", "-ec", command, sys.executable, script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
