"""A process that is forked after the networks have run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROGRAM = """
import multiprocessing
import sys

import numpy as np
import torch

from diarspk import load_encoder
from tests.tiny_model import tone

encoder = load_encoder(sys.argv[1])


def embed(name):
    return encoder.embed(tone(name, 20.0), 16000), load_encoder(sys.argv[1]).fingerprint


if __name__ == "__main__":
    torch.set_num_threads(2)
    matrix = torch.ones(1000, 1000)
    (matrix @ matrix).sum()  # the threads of OpenMP are there from now on
    expected = encoder.embed(tone("ann", 20.0), 16000)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for vector, fingerprint in pool.map_async(embed, ["ann", "ann"]).get(timeout=60):
            assert fingerprint == encoder.fingerprint
            np.testing.assert_allclose(vector, expected, atol=1e-5)
"""


def test_a_forked_process_computes_what_its_parent_does(tmp_path):
    from tests.tiny_model import write_tiny_model

    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    card = write_tiny_model(tmp_path)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, program, card],
        env=variables,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
