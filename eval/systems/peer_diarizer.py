"""A diarizer of another project, in a process and an environment of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import soundfile
from pyannote.core import Annotation, Segment

from diarspk.audio import SAMPLE_RATE, load_audio
from eval.systems.worker_process import WorkerProcess

__all__ = ["PeerDiarizer"]


class PeerDiarizer:
    """Diarizer of another project that reads WAV files of one channel at 16 kHz.

    Parameters
    ----------
    worker
        Module of :mod:`eval.systems.workers`, and name of its environment.
    subtype
        Encoding of the samples that it is given ("FLOAT", "PCM_16").

    Attributes
    ----------
    seed : int
        Of the generators that it may draw from, set before each recording.
    versions : dict of str to str
        Of the packages that it consists of.

    Raises
    ------
    PeerError
        If its environment cannot be made or its models cannot be loaded.
    """

    def __init__(self, worker: str, *, subtype: str) -> None:
        self.seed = 0
        self._subtype = subtype
        self._worker = WorkerProcess(worker, worker)
        self.versions = self._worker.versions

    def __call__(self, audio: Path) -> Annotation:
        annotation = Annotation(uri=audio.stem)
        for number, (start, end, speaker) in enumerate(self.ask(audio)["turns"]):
            annotation[Segment(start, end), number] = speaker
        return annotation

    def ask(self, audio: Path, **request: Any) -> dict[str, Any]:
        """Answer of the worker about a recording, which it is given as a WAV file."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{audio.stem}.wav"
            soundfile.write(path, load_audio(audio), SAMPLE_RATE, subtype=self._subtype)
            return self._worker.ask(audio=str(path), seed=self.seed, **request)
