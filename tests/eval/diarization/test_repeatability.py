"""Repeatability: what is compared, and that kernels and threads change next to nothing."""

from __future__ import annotations

import os

import numpy as np
import pytest
from pyannote.core import Annotation, Segment

from eval.diarization.conversations import list_recordings
from eval.diarization.repeatability import AVX2, Output, Setting, compare, run
from tests.paths import SHARED

SETTINGS = {
    "one thread": Setting("one thread", precision="single"),
    "four threads": Setting("four threads", threads=4, precision="single"),
    "other kernels": Setting("other kernels", precision="single", kernels=AVX2),
}


def output(*turns: tuple[float, float, str], angle: float = 0.0) -> Output:
    annotation = Annotation(uri="meeting")
    for start, end, speaker in turns:
        annotation[Segment(start, end)] = speaker
    return Output(repr(turns), annotation, np.array([np.cos(angle), np.sin(angle)], np.float32))


def test_outputs_that_differ_are_counted_and_measured() -> None:
    first = {"a": output((0, 4, "A"), (4, 8, "B")), "b": output((0, 2, "A"))}
    other = {"a": output((0, 4, "A"), (4, 8, "A"), angle=0.1), "b": first["b"]}
    difference = compare(first, other)
    assert (difference.identical, difference.same_count, difference.recordings) == (1, 1, 2)
    assert difference.der == pytest.approx(4 / 10)
    assert difference.cosine == pytest.approx(np.cos(0.1))


def test_a_setting_leaves_the_environment_as_it_was() -> None:
    before = dict(os.environ)
    assert run(SETTINGS["other kernels"], []) == {}
    assert dict(os.environ) == before


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings are not part of the repository")
def test_threads_change_no_byte_and_kernels_next_to_nothing() -> None:
    recordings = list_recordings(SHARED / "conversations" / "ami")[3:4]
    outputs = {name: run(setting, recordings) for name, setting in SETTINGS.items()}
    threads = compare(outputs["one thread"], outputs["four threads"])
    assert threads.identical == len(recordings)
    kernels = compare(outputs["one thread"], outputs["other kernels"])
    assert kernels.der < 0.01
    assert kernels.cosine > 0.999
