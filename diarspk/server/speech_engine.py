"""The models of a server and what is done with them; nothing of a recording is kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, AudioStream, load_audio
from diarspk.errors import SpeechWarning
from diarspk.server.work_control import WorkControl

if TYPE_CHECKING:
    from diarspk import Diarization, Diarizer, SpeakerEncoder
    from diarspk.transcripts import Transcript

__all__ = ["MAX_REFERENCE_S", "SpeakerCount", "SpeechEngine", "Verification"]

MAX_REFERENCE_S = 600.0
"""Seconds of a recording of one voice, which is embedded as a whole."""


@dataclass(frozen=True)
class SpeakerCount:
    """Number of speakers, as far as it is known."""

    exact: int | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Verification:
    """Comparison of two voices.

    Attributes
    ----------
    score : float
        Cosine.
    probability : float or None
        Of the same speaker; None without a calibration of the encoder.
    same : bool or None
        Decision at a threshold of the cosine, or at a probability of 1/2; None without either.
    """

    score: float
    probability: float | None
    same: bool | None


@dataclass(frozen=True)
class SpeechEngine:
    """Diarizer, encoder and recogniser, loaded once and shared by all threads.

    Attributes
    ----------
    diarizer : Diarizer
    transcriber : callable, optional
        Callable(recording, language) -> transcript.
    gallery : Path, optional
        Gallery of people whose names replace labels; who is enrolled meanwhile is found, too.
    """

    diarizer: Diarizer
    transcriber: Callable[[AudioStream, str | None], Transcript] | None = None
    gallery: Path | None = None

    @classmethod
    def load(
        cls,
        encoder: str | Path | None = None,
        *,
        transcriber: str | None = None,
        gallery: Path | None = None,
        **options: Any,
    ) -> SpeechEngine:
        """Load the models.

        Parameters
        ----------
        encoder
            See :meth:`diarspk.Diarizer.load`. Default: the embedded model.
        transcriber
            Model for :func:`diarspk.transcripts.recognition.load_recogniser`.
        gallery
            Folder of a gallery in the space of the encoder.
        options
            Further options of :meth:`diarspk.Diarizer.load`.

        Raises
        ------
        ModelError
            If a model or the gallery is missing or damaged, or they do not fit.
        """
        from diarspk.diarization.diarizer import EMBEDDED, Diarizer

        diarizer = Diarizer.load(encoder or EMBEDDED, **options)
        if gallery is not None:
            _try_gallery(gallery, diarizer.encoder)
        if transcriber is None:
            return cls(diarizer, gallery=gallery)
        from diarspk.transcripts.recognition import load_recogniser, transcribe

        recogniser = load_recogniser(transcriber)
        return cls(
            diarizer, lambda audio, code: transcribe(audio, recogniser, language=code), gallery
        )

    @property
    def encoder(self) -> SpeakerEncoder:
        """Speaker encoder."""
        return self.diarizer.encoder

    @property
    def fingerprint(self) -> str:
        """Embedding space of all vectors."""
        return self.encoder.fingerprint

    def diarize(
        self,
        audio: AudioStream,
        control: WorkControl,
        count: SpeakerCount | None = None,
        known_speakers: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> Diarization:
        """Diarize a recording, and name the people of the gallery.

        Raises
        ------
        WorkStopped
            At the next block, after the control was asked to stop or ran out of time.
        DiarspkError
            As :meth:`diarspk.Diarizer.__call__` does.
        """
        count = count or SpeakerCount()
        result = self.diarizer(
            audio,
            num_speakers=count.exact,
            min_speakers=count.minimum,
            max_speakers=count.maximum,
            known_speakers=known_speakers,
            progress=control.progress,
        )
        if self.gallery is None:
            return result
        from diarspk.diarization.identification import name_speakers
        from diarspk.verification.gallery import open_gallery

        with open_gallery(self.gallery) as people:
            return name_speakers(result, people)

    def embed(
        self, audio: AudioStream, spans: Sequence[tuple[float, float]] | None = None
    ) -> NDArray[np.float32]:
        """Embed a recording, ``(dim,)``, or ``n`` spans of it in seconds, ``(n, dim)``.

        Warns
        -----
        SpeechWarning
            If there is too little speech, or too much noise, for a reliable embedding.
        """
        from diarspk.features.speech_quality import check_speech

        waveform = load_audio(audio)
        for doubt in check_speech(waveform):
            warnings.warn(f"{audio.source.label}: {doubt}", SpeechWarning, stacklevel=2)
        return self.encoder.embed(waveform, SAMPLE_RATE, spans)

    def verify(
        self, first: AudioStream, second: AudioStream, threshold: float | None = None
    ) -> Verification:
        """Compare the voices of two recordings."""
        from diarspk.verification.calibration import probability
        from diarspk.verification.scoring import load_scorer

        pair = self.embed(first)[None], self.embed(second)[None]
        scorer = load_scorer(self.fingerprint)
        score = float(scorer.scores(*pair)[0])
        same = None
        if scorer.calibration is not None:
            same = float(probability(scorer.log_likelihood_ratios(*pair), 0.5)[0])
        if threshold is not None:
            return Verification(score, same, score >= threshold)
        return Verification(score, same, None if same is None else same >= 0.5)

    def transcribe(
        self, audio: AudioStream, control: WorkControl, language: str | None = None
    ) -> Transcript | None:
        """Transcribe a recording; None where there is no recogniser."""
        if self.transcriber is None:
            return None
        control.check()
        return self.transcriber(audio, language)


def _try_gallery(folder: Path, encoder: SpeakerEncoder) -> None:
    """Identify anything, so that what is wrong with a gallery is told before the first request."""
    from diarspk.verification.gallery import open_gallery

    with open_gallery(folder) as people:
        people.identify(np.ones(encoder.dimension, np.float32), fingerprint=encoder.fingerprint)
