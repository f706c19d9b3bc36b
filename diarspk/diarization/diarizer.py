"""The diarizer: from a recording to who spoke when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from diarspk.audio import Audio, AudioStream, open_audio
from diarspk.checkpoints.digest import digest_weights
from diarspk.clustering.speaker_bounds import SpeakerBounds
from diarspk.diarization.cache import SessionCache, digest_audio, session_key
from diarspk.diarization.config import UNKNOWN_SPACE, DiarizerConfig
from diarspk.diarization.constraints import Knowledge, SpanPair
from diarspk.diarization.first_pass import read_local_speakers
from diarspk.diarization.non_speech import embed_non_speech
from diarspk.diarization.result import Diarization, finish
from diarspk.diarization.session import Session
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.precision import Precision, check_precision, choose_precision
from diarspk.features.recording import Recording, analyse
from diarspk.segmentation.loading import shipped_target_head
from diarspk.segmentation.segmenter import Segmenter

__all__ = ["Diarizer"]

Progress = Callable[[str, float], None]

SHORTEST_WINDOW_S = 0.3
"""Windows are not halved below this to find as many speakers as the caller asked for."""


class Diarizer:
    """Says who spoke when, overlap included.

    Parameters
    ----------
    config
        Settings of clustering and stitching.
        What is left out is :class:`DiarizerConfig`'s default with an embedded encoder, and
        :data:`UNKNOWN_SPACE` with any other.
    encoder
        What embeds the speakers: any speaker encoder, the embedded default where none is given.
        One that needs whole utterances hears each local speaker of a window by itself; see
        :meth:`SpeakerEncoder.embed_masked`.
    segmentation
        What finds local speakers; the embedded activity head where none is given, or
        :class:`diarspk.segmentation.SileroSegmenter`, or a
        :class:`diarspk.segmentation.pyannet.PyanNetSegmenter`.
    cache
        Folder in which passes over recordings are kept, so that the same recording is clustered
        anew in seconds; see :mod:`diarspk.diarization.cache`. Nothing is kept without it.
    precision
        In which the networks of the embedded model multiply matrices; see
        :mod:`diarspk.encoders.precision`.
    """

    def __init__(
        self,
        config: DiarizerConfig | None = None,
        encoder: SpeakerEncoder | None = None,
        segmentation: Segmenter | None = None,
        *,
        cache: str | Path | None = None,
        precision: Precision = "auto",
    ) -> None:
        from diarspk.encoders.loading import load_encoder
        from diarspk.segmentation.loading import load_segmenter

        self.precision = choose_precision(check_precision(precision))
        own = encoder is None or isinstance(encoder, LocalEncoder)
        self.config = config or (DiarizerConfig() if own else UNKNOWN_SPACE)
        self.trunk = encoder if isinstance(encoder, LocalEncoder) else load_encoder()
        """The embedded encoder whose frames segmentation reads, and whose clock turns have."""
        self.encoder: SpeakerEncoder = encoder or self.trunk
        self.target_head = shipped_target_head(self.trunk.fingerprint)
        self.segmentation = segmentation or load_segmenter()
        self.cache = None if cache is None else SessionCache(Path(cache))

    def __call__(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        channel: int | None = None,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        known_speakers: Mapping[str, ArrayLike] | None = None,
        same_speaker: Sequence[SpanPair] = (),
        different_speakers: Sequence[SpanPair] = (),
        progress: Progress | None = None,
    ) -> Diarization:
        """Diarize a recording.

        Parameters
        ----------
        audio, sample_rate, channel
            See :func:`diarspk.audio.load_audio`.
        num_speakers, min_speakers, max_speakers
            Exact number of speakers and bounds on it, from 1; honoured wherever there is speech
            enough for so many.
        known_speakers
            Enrolled people: a name and an embedding ``(dim,)`` of this encoder for each. Speakers
            who are like them carry their names; the others are numbered.
        same_speaker, different_speakers
            Pairs of spans ``(start, end)`` in seconds in which one and the same person talks, or
            two different ones.
        progress
            Called with the name of a stage and the fraction of it that is done.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ArgumentError
            If the bounds, or the pairs of spans, contradict each other, a known speaker is no
            embedding of this encoder, or the sample rate is missing.
        """
        bounds = SpeakerBounds(num_speakers, min_speakers, max_speakers)
        knowledge = Knowledge(known_speakers or {}, same_speaker, different_speakers)
        knowledge.directions(self.encoder.dimension)  # a wrong one is told before the work
        session = self.listen(
            audio, sample_rate, channel=channel, needed=bounds.needed, progress=progress
        )
        return finish(session, self.config, bounds, knowledge)

    def listen(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        channel: int | None = None,
        needed: int = 1,
        progress: Progress | None = None,
    ) -> Session:
        """Pass over a recording, or read what an earlier pass has left in the cache.

        Parameters
        ----------
        audio, sample_rate, channel, progress
            See :meth:`__call__`.
        needed
            Windows are halved where they have fewer local speakers than so many.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        """
        stream = open_audio(audio, sample_rate, channel=channel)
        digest = None if self.cache is None else digest_audio(audio, sample_rate)
        settings = self.config.linking.non_speech
        silence_s = None if settings is None else settings.min_non_speech_s
        heads = (self.trunk.frame_head, self.target_head) if self.cache else ()
        weights = [digest_weights(head) for head in heads if head is not None]
        recording: Recording | None = None
        segmenter = self.segmentation
        while True:
            spaces = (self.encoder.fingerprint, self.trunk.fingerprint)
            key = digest and session_key(
                digest,
                "/".join(dict.fromkeys(spaces)),
                segmenter,
                channel,
                silence_s,
                weights,
                self.precision,
            )
            session = self.cache.read(key, stream.name) if self.cache and key else None
            if session is None:
                if recording is None:
                    stage = _stage(progress, "reading", stream.duration)
                    recording = analyse(stream, self.trunk.log_mel, progress=stage)
                session = self._hear(stream, recording, segmenter, progress)
                if self.cache and key:
                    self.cache.write(key, session)
            talking = int((session.local.seconds > 0).sum())
            if not 0 < talking < needed or segmenter.window_s < SHORTEST_WINDOW_S:
                return session
            segmenter = segmenter.halved()

    def _hear(
        self,
        stream: AudioStream,
        recording: Recording,
        segmenter: Segmenter,
        progress: Progress | None,
    ) -> Session:
        segmenter = segmenter.suited_to(recording.duration)
        segmenter.prepare(stream, self.trunk, self.trunk.count_frames(recording))
        encoder = None if self.encoder is self.trunk else self.encoder
        local = read_local_speakers(
            recording,
            self.trunk,
            segmenter,
            encoder=encoder,
            stream=stream,
            target_head=self.target_head,
            precision=self.precision,
            progress=_stage(progress, "listening", recording.duration),
        )
        settings, non_speech = self.config.linking.non_speech, None
        if settings is not None:
            non_speech = embed_non_speech(
                recording,
                self.trunk,
                local,
                shortest_s=settings.min_non_speech_s,
                encoder=encoder,
                stream=stream,
            )
        fingerprint = self.encoder.fingerprint
        return Session(
            recording.uri, recording.duration, fingerprint, local, non_speech, self.precision
        )


def _stage(
    progress: Progress | None, name: str, total: float | None
) -> Callable[[float], None] | None:
    """Turn seconds done into a fraction of a stage; nothing where the total is unknown."""
    if progress is None or not total:
        return None
    return lambda seconds: progress(name, min(seconds / total, 1.0))
