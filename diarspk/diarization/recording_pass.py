"""First pass over one recording: its features, read once, and windows of the length it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from diarspk.audio import AudioStream
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.local_speakers import FirstPass, FirstPassModels
from diarspk.diarization.window_embedding import embed_non_speech
from diarspk.features.recording import Recording, analyse

__all__ = ["Progress", "RecordingPass", "halve_windows"]

MIN_WINDOW_S = 0.3
"""Windows are not halved below this to find as many speakers as the caller asked for."""

Progress = Callable[[str, float], None]
"""Takes the name of a stage and the fraction of it that is done."""


class RecordingPass:
    """Callable(models) -> first pass over one recording, whose features are read once.

    Parameters
    ----------
    stream
        The recording.
    non_speech_s
        Minimum seconds of non-speech in a window whose non-speech is embedded, too; None for none.
    progress
        Called with the stages "reading" and "first pass".
    """

    def __init__(
        self, stream: AudioStream, non_speech_s: float | None, progress: Progress | None
    ) -> None:
        self.stream, self.non_speech_s, self.progress = stream, non_speech_s, progress
        self._recording: Recording | None = None

    def __call__(self, models: FirstPassModels) -> FirstPass:
        """Compute the first pass.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        """
        if self._recording is None:
            stage = self._stage("reading", self.stream.expected_duration)
            self._recording = analyse(self.stream, models.trunk.log_mel, progress=stage)
        recording, stream = self._recording, self.stream
        stage = self._stage("first pass", recording.duration)
        local = compute_local_speakers(recording, models, stream, progress=stage)
        non_speech = None
        if self.non_speech_s is not None:
            non_speech = embed_non_speech(
                recording,
                models.trunk,
                local,
                min_duration_s=self.non_speech_s,
                encoder=models.encoder,
                stream=stream,
            )
        fingerprint = (models.encoder or models.trunk).fingerprint
        return FirstPass(
            recording.uri,
            recording.duration,
            fingerprint,
            local,
            non_speech,
            models.precision,
            recording.quality,
        )

    def _stage(self, name: str, total: float | None) -> Callable[[float], None] | None:
        """Turn seconds done into a fraction of a stage; None where the total is unknown."""
        progress = self.progress
        if progress is None or not total:
            return None
        return lambda seconds: progress(name, min(seconds / total, 1.0))


def halve_windows(
    compute: Callable[[FirstPassModels], FirstPass], models: FirstPassModels, min_speakers: int
) -> FirstPass:
    """Halve the windows until there are as many local speakers as are needed, or none at all."""
    first = compute(models)
    while (
        0 < first.local.talking.sum() < min_speakers and models.segmenter.window_s >= MIN_WINDOW_S
    ):
        models = replace(models, segmenter=models.segmenter.halved())
        first = compute(models)
    return first
