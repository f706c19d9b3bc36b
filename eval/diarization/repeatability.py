"""Repeatability: the same recordings with other threads, kernels and precisions.

``python -m eval.diarization.repeatability --data ../shared/conversations/simulated``

Every setting runs in a process of its own, since libraries choose their kernels when they load.
Another processor is stood in for by the kernels that it would choose.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

import diarspk
from diarspk.encoders.precision import Precision
from diarspk.formats import write_rttm
from eval.command_line import command
from eval.diarization.conversations import list_recordings
from eval.report.markdown import markdown_table
from eval.report.progress import follow

__all__ = ["SETTINGS", "Difference", "Output", "Setting", "compare", "main", "run"]

AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
"""Kernels for AVX2, of PyTorch, oneDNN and MKL."""

PLAIN = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "SSE4_2"}
"""Kernels that any 64-bit x86 processor can run."""


@dataclass(frozen=True)
class Setting:
    """Threads, precision, device and kernels of a run; `kernels` are environment variables."""

    name: str
    threads: int = 1
    precision: Precision = "auto"
    device: str = "cpu"
    kernels: Mapping[str, str] = field(default_factory=dict)

    @property
    def same_bytes(self) -> bool:
        """Whether results must be those of the first setting to the byte: only threads differ."""
        return self.precision == "auto" and self.device == "cpu" and not self.kernels


SETTINGS = (
    Setting("precision of this processor, one thread"),
    Setting("two threads", threads=2),
    Setting("eight threads", threads=8),
    Setting("single precision", precision="single"),
    Setting("single precision, two threads", threads=2, precision="single"),
    Setting("single precision, kernels for AVX2", precision="single", kernels=AVX2),
    Setting("single precision, kernels for any x86", precision="single", kernels=PLAIN),
)
"""Settings to compare; differences are from the first."""

HEADER = (
    "setting",
    "same bytes",
    "same number of speakers",
    "DER against the first, %",
    "smallest cosine of embeddings",
)


@dataclass(frozen=True, eq=False)
class Output:
    """What a setting makes of a recording: RTTM, its turns, and a unit embedding ``(dim,)``."""

    rttm: str
    turns: Annotation
    embedding: NDArray[np.float32]


@dataclass(frozen=True)
class Difference:
    """Outputs of one setting beside those of the first.

    Attributes
    ----------
    identical, same_count : int
        Recordings with the same bytes of RTTM, and with the same number of speakers.
    recordings : int
    der : float
        Strict DER, pooled, with the first setting's turns for a reference.
    cosine : float
        Smallest cosine between the two embeddings of a recording.
    """

    identical: int
    same_count: int
    recordings: int
    der: float
    cosine: float


def compare(first: Mapping[str, Output], other: Mapping[str, Output]) -> Difference:
    """Compare the outputs of two settings, by recording."""
    pairs = [(first[name], other[name]) for name in first]
    scores = diarspk.score(
        {name: output.turns for name, output in first.items()},
        {name: output.turns for name, output in other.items()},
    )
    return Difference(
        identical=sum(one.rttm == two.rttm for one, two in pairs),
        same_count=sum(len(one.turns.labels()) == len(two.turns.labels()) for one, two in pairs),
        recordings=len(pairs),
        der=scores.pooled.der,
        cosine=min(float(one.embedding @ two.embedding) for one, two in pairs),
    )


def run(setting: Setting, recordings: Sequence[Path]) -> dict[str, Output]:
    """Diarize and embed recordings under a setting, in a new process.

    Raises
    ------
    AudioError
        If a recording cannot be read.
    """
    spawn = multiprocessing.get_context("spawn")
    variables = {"OMP_NUM_THREADS": str(setting.threads), **setting.kernels}
    with _environment(variables), ProcessPoolExecutor(1, spawn) as process:
        outputs = process.submit(_outputs, setting.precision, setting.device, list(recordings))
        return outputs.result()


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    data: Path
    """Folder of recordings."""
    recordings: int | None = None
    """Number of recordings, from the first by name. Default: all."""
    devices: tuple[str, ...] = ()
    """Further devices to compare with the processor, such as cuda."""


@command
def main(settings: Settings) -> int:
    """Run the command line; 1 if a recording cannot be read, or threads change a result."""
    recordings = list_recordings(settings.data)[: settings.recordings]
    compared = [
        *SETTINGS,
        *(
            Setting(f"{name}, {one}", precision=one, device=name)
            for name in settings.devices
            for one in ("auto", "single")
        ),
    ]
    outputs = [run(setting, recordings) for setting in follow(compared, "settings")]
    differences = [compare(outputs[0], output) for output in outputs]
    print(markdown_table(HEADER, list(map(_row, compared, differences))))
    changed = [
        setting.name
        for setting, one in zip(compared, differences, strict=True)
        if setting.same_bytes and one.identical < one.recordings
    ]
    return 1 if changed else 0


def _outputs(precision: Precision, device: str, recordings: Sequence[Path]) -> dict[str, Output]:
    diarizer = diarspk.Diarizer(precision=precision, device=device)
    encoder = diarspk.load_encoder(device=device)
    outputs = {}
    for recording in recordings:
        turns, rttm = diarizer(recording).annotation, StringIO()
        write_rttm(turns, rttm)
        outputs[recording.stem] = Output(rttm.getvalue(), turns, encoder.embed(recording))
    return outputs


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _row(setting: Setting, difference: Difference) -> list[str]:
    total = difference.recordings
    return [
        setting.name,
        f"{difference.identical} of {total}",
        f"{difference.same_count} of {total}",
        f"{100 * difference.der:.3f}",
        f"{difference.cosine:.7f}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
