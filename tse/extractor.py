"""An extractor: a trained network with the source of the cues that it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError
from tse.blocks import BlockConfig, extract_blocks
from tse.cues import Cue, CueSource, Reference
from tse.hearing import Hearing
from tse.models import ExtractionNetwork
from tse.streaming import ExtractionStream

__all__ = ["Extractor"]

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Extractor:
    """Extracts the speaker whom a cue describes.

    Attributes
    ----------
    network : ExtractionNetwork
        In evaluation mode.
    source : CueSource
        Makes cues of enrolments.
    fingerprint : str
        Of the weights; empty where they were not read from a checkpoint.
    space : str
        Fingerprint of the speaker encoder whose vectors the network reads; empty without one.
    passes : int
        How often a network that is not causal hears a mixture in each reading of the cue.
    verifier : SpeakerEncoder, optional
        Of the cue's embedding, to weigh two readings of the cue; see :mod:`tse.hearing`.
        ``dataclasses.replace(extractor, verifier=None)`` takes half the time, and errs more often.
    """

    network: ExtractionNetwork
    source: CueSource
    fingerprint: str = ""
    space: str = ""
    passes: int = 1
    verifier: SpeakerEncoder | None = None

    def __post_init__(self) -> None:
        if self.passes < 1:
            raise ArgumentError(f"`passes` must be at least 1, got {self.passes}")
        if self.verifier is not None and self.verifier.fingerprint != self.space:
            raise ArgumentError(
                f"`verifier` must be the encoder of the cue, {self.space or 'none here'}, got "
                f"{self.verifier.fingerprint}; leave it as it was loaded, or give None"
            )

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of what goes in and comes out."""
        return SAMPLE_RATE

    @property
    def causal(self) -> bool:
        """Whether :meth:`stream` can be used."""
        return self.network.causal

    def cue(
        self,
        enrolment: Audio | Sequence[Audio],
        sample_rate: int | None = None,
        *,
        speaker: str = "",
    ) -> Cue:
        """Describe a speaker by one recording or several.

        Parameters
        ----------
        enrolment, sample_rate
            See :func:`diarspk.audio.load_audio`; a list or tuple holds several.
        speaker
            Name, for extractors of a closed set of speakers.

        Raises
        ------
        AudioError
            If a recording cannot be read, is silent, or is shorter than 0.2 s.
        """
        several: list[Audio] = [enrolment]  # type: ignore[list-item]
        if isinstance(enrolment, list | tuple):
            several = list(enrolment)
        references = [Reference(load_audio(one, sample_rate), speaker) for one in several]
        with torch.inference_mode():
            return self.source(references)

    def __call__(
        self,
        mixture: Audio,
        cue: Cue | SpeakerCue | Audio,
        sample_rate: int | None = None,
    ) -> Samples:
        """Extract from a whole recording, block by block where it is long.

        Parameters
        ----------
        mixture, sample_rate
            See :func:`diarspk.audio.load_audio`; arrays without a rate are at
            :attr:`sample_rate`.
        cue
            From :meth:`cue`; or what :func:`diarspk.cues.speaker_cue.extract_cue` found; or an
            embedding ``(dim,)`` of the same encoder; or an enrolment, as :meth:`cue` takes it.

        Returns
        -------
        ndarray of float32, ``(time,)``
            At 16 kHz, as long as the mixture is at that rate.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ModelError, ArgumentError
            If the cue is of another encoder or has another size.
        """
        waveform = load_audio(mixture, _rate(mixture, sample_rate))
        cues = [self.accept(cue, sample_rate)]
        return np.concatenate([block[0] for block in self.extract_blocks([waveform], cues)])

    def accept(self, cue: Cue | SpeakerCue | Audio, sample_rate: int | None = None) -> Cue:
        """Turn whatever describes a speaker into the cue that the network reads."""
        from diarspk.errors import ModelError

        if isinstance(cue, Cue):
            return cue
        if isinstance(cue, SpeakerCue):
            if self.space and cue.space.fingerprint != self.space:
                raise ModelError(
                    f"the cue is of encoder {cue.space.fingerprint}, the extractor reads "
                    f"{self.space}; extract the cue anew with that encoder"
                )
            return self._from_vectors(cue.timbre, cue.frames.data)
        size = self.source.vector_size
        if isinstance(cue, np.ndarray | torch.Tensor) and cue.ndim == 1 and len(cue) == size:
            return self._from_vectors(np.asarray(cue, np.float32), None)
        return self.cue(cue, _rate(cue, sample_rate))

    def _from_vectors(self, vector: Samples, frames: Samples | None) -> Cue:
        has_vector, has_frames = self.source.vector_size > 0, self.source.sequence_size > 0
        if not has_vector and not (has_frames and frames is not None):
            raise ArgumentError(
                "`cue` must be an enrolment for this extractor, got embeddings; give a recording"
            )
        sequence = torch.from_numpy(frames)[None] if has_frames and frames is not None else None
        return Cue(torch.from_numpy(vector)[None] if has_vector else None, sequence)

    def extract_blocks(
        self,
        blocks: Iterable[Samples],
        cues: Sequence[Cue],
        config: BlockConfig | None = None,
    ) -> Iterator[Samples]:
        """Extract several speakers in one pass, in memory that does not grow with the recording.

        Parameters
        ----------
        blocks
            Consecutive ``(time,)`` at 16 kHz, of any lengths.
        cues
            Of one speaker each.

        Returns
        -------
        iterator of ndarray, ``(speakers, time)``
            Consecutive; joined, they are as long as the blocks together.
        """
        if self.causal:
            yield from self._stream_blocks(blocks, cues)
            return

        hear = Hearing(self.network, self.passes, self.verifier)

        def extract(block: Samples) -> Samples:
            mixture = torch.from_numpy(np.ascontiguousarray(block))[None]
            return np.concatenate([hear(mixture, cue).numpy() for cue in cues])

        operation: Callable[[Samples], Samples] = extract
        yield from extract_blocks(blocks, operation, config or BlockConfig())

    def _stream_blocks(self, blocks: Iterable[Samples], cues: Sequence[Cue]) -> Iterator[Samples]:
        streams = [self.stream(cue) for cue in cues]
        for block in blocks:
            samples = torch.from_numpy(np.ascontiguousarray(block))
            yield np.stack([stream.push(samples).numpy() for stream in streams])
        yield np.stack([stream.flush().numpy() for stream in streams])

    def stream(self, cue: Cue) -> ExtractionStream:
        """Extract from audio as it arrives; the extractor must be causal."""
        return ExtractionStream(self.network, cue)


def _rate(audio: object, sample_rate: int | None) -> int | None:
    """Read arrays that have no rate at the extractor's."""
    in_memory = isinstance(audio, np.ndarray | torch.Tensor)
    return SAMPLE_RATE if sample_rate is None and in_memory else sample_rate
