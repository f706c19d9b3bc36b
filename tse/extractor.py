"""Extractor: a trained network and the cue source that it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from diarspk.arguments import check_counts
from diarspk.audio import SAMPLE_RATE, Audio, load_audio
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.devices import choose_device, device_of
from diarspk.encoders.base import SpeakerEncoder
from diarspk.errors import ArgumentError, ModelError
from tse.cue_sources import CueSource
from tse.cues import Cue, read_reference
from tse.ensemble import Ensemble
from tse.models.network import ExtractionNetwork
from tse.presence import Presence, PresenceMeter
from tse.streaming import BlockConfig, ExtractionStream, extract_blocks

__all__ = ["Extractor"]

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Extractor:
    """Extractor of the speaker described by a cue.

    Attributes
    ----------
    network : ExtractionNetwork
        Extraction network in evaluation mode.
    source : CueSource
        Cue source for enrolments.
    fingerprint : str
        Fingerprint of the weights; empty if they were not read from a checkpoint.
    space : str
        Fingerprint of the speaker encoder whose embeddings the network reads; empty without one.
    passes : int
        Number of time-shifted passes of a non-causal network per cue variant; see
        :mod:`tse.ensemble`.
    verifier : SpeakerEncoder, optional
        Speaker encoder that weighs two cue variants; see :mod:`tse.ensemble`.
        ``dataclasses.replace(extractor, verifier=None)`` halves the time and confuses more
        speakers.
    """

    network: ExtractionNetwork
    source: CueSource
    fingerprint: str = ""
    space: str = ""
    passes: int = 1
    verifier: SpeakerEncoder | None = None

    def __post_init__(self) -> None:
        check_counts(self, "passes")
        if not isinstance(self.verifier, SpeakerEncoder | None):
            raise ArgumentError(
                f"`verifier` must be an encoder or None, got {type(self.verifier).__name__}"
            )
        if self.verifier is not None and self.verifier.fingerprint != self.space:
            raise ArgumentError(
                f"`verifier` must be the encoder of the cue, {self.space or 'none here'}, got "
                f"{self.verifier.fingerprint}; leave it as it was loaded, or give None"
            )

    def __repr__(self) -> str:
        passes = "1 pass" if self.passes == 1 else f"{self.passes} passes"
        kind = "causal" if self.causal else passes
        verified = ", verified" if self.verifier is not None else ""
        name = f"{self.fingerprint!r}, " if self.fingerprint else ""
        return f"Extractor({name}{type(self.source).__name__}, {kind}{verified})"

    @property
    def sample_rate(self) -> int:
        """Sample rate of input and output in Hz."""
        return SAMPLE_RATE

    @property
    def device(self) -> torch.device:
        """Device that the network is on."""
        return device_of(self.network)

    def to(self, device: str | torch.device) -> Extractor:
        """Move the network and its encoder to a device, in place, and return the extractor.

        Parameters
        ----------
        device : str or torch.device
            See :func:`diarspk.devices.choose_device`.

        Raises
        ------
        ArgumentError
            If there is no such device.
        """
        chosen = choose_device(device)
        self.network.to(chosen)
        for encoder in (self.verifier, getattr(self.source, "encoder", None)):
            if encoder is not None:
                encoder.to(chosen)
        return self

    @property
    def causal(self) -> bool:
        """Whether the network is causal, so that :meth:`stream` can be used."""
        return self.network.causal

    @property
    def encoder(self) -> SpeakerEncoder | None:
        """Speaker encoder of the cue; None without one."""
        return self.verifier or getattr(self.source, "encoder", None)

    def cue(
        self,
        enrolment: Audio | Sequence[Audio],
        sample_rate: int | None = None,
        *,
        speaker: str = "",
    ) -> Cue:
        """Compute the cue of a speaker from one recording or several.

        Parameters
        ----------
        enrolment, sample_rate
            See :func:`diarspk.audio.load_audio`; several recordings in a list or tuple.
        speaker
            Name of the speaker, for extractors of a closed set.

        Raises
        ------
        AudioError
            If a recording cannot be read, is silent, or is shorter than 0.2 s.
        """
        several: list[Audio] = [enrolment]  # type: ignore[list-item]
        if isinstance(enrolment, list | tuple):
            several = list(enrolment)
        references = [read_reference(one, sample_rate, speaker) for one in several]
        with torch.inference_mode():
            return self.source(references)

    def __call__(
        self,
        mixture: Audio,
        cue: Cue | SpeakerCue | Audio,
        sample_rate: int | None = None,
    ) -> Samples:
        """Extract from a recording, a long one block by block.

        Parameters
        ----------
        mixture, sample_rate
            See :func:`diarspk.audio.load_audio`; arrays without a rate are at
            :attr:`sample_rate`.
        cue
            Cue of :meth:`cue`, speaker cue of :func:`diarspk.cues.extract_cue`, embedding
            ``(dim,)`` of the same encoder, or an enrolment as for :meth:`cue`.

        Returns
        -------
        ndarray of float32, ``(time,)``
            At 16 kHz, of the length of the mixture at that rate.

        Raises
        ------
        AudioError
            If the audio cannot be read.
        ModelError, ArgumentError
            If the cue is of another encoder or of another size.
        """
        waveform = load_audio(mixture, _rate(mixture, sample_rate))
        cues = [self.accept(cue, sample_rate)]
        return np.concatenate([block[0] for block in self.extract_blocks([waveform], cues)])

    def accept(self, cue: Cue | SpeakerCue | Audio, sample_rate: int | None = None) -> Cue:
        """Convert a description of a speaker, see :meth:`__call__`, to the cue of the network."""
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
        *,
        talks: Callable[[int, int], Sequence[bool]] | None = None,
    ) -> Iterator[Samples]:
        """Extract several speakers in one pass over a recording, in bounded memory.

        Parameters
        ----------
        blocks
            Consecutive ``(time,)`` at 16 kHz, of any lengths.
        cues
            Cues of one speaker each.
        config
            Blocks of a non-causal network. Default: 15 s with an overlap of 1 s.
        talks
            Callable(first sample of a block, its length) -> for each speaker, whether it is to be
            extracted from the block; otherwise it is silent there, which takes no time. Causal
            networks pass it over. Default: always.

        Returns
        -------
        iterator of ndarray, ``(speakers, time)``
            Consecutive; together as long as ``blocks``.
        """
        if self.causal:
            yield from self._stream_blocks(blocks, cues)
            return

        ensemble, device = Ensemble(self.network, self.passes, self.verifier), self.device
        near = [cue.map(lambda level: level.to(device)) for cue in cues]

        def extract(block: Samples, position: int) -> Samples:
            mixture = torch.from_numpy(np.ascontiguousarray(block))[None].to(device)
            wanted = [True] * len(near) if talks is None else talks(position, len(block))
            voices = np.zeros((len(near), len(block)), np.float32)
            for row, (cue, own) in enumerate(zip(near, wanted, strict=True)):
                if own:
                    voices[row] = ensemble(mixture, cue)[0].numpy(force=True)
            return voices

        yield from extract_blocks(blocks, extract, config or BlockConfig())

    def _stream_blocks(self, blocks: Iterable[Samples], cues: Sequence[Cue]) -> Iterator[Samples]:
        streams = [self.stream(cue) for cue in cues]
        for block in blocks:
            samples = torch.from_numpy(np.ascontiguousarray(block))
            yield np.stack([stream.push(samples).numpy(force=True) for stream in streams])
        yield np.stack([stream.flush().numpy(force=True) for stream in streams])

    def presence(
        self,
        voice: Audio,
        cue: Cue | SpeakerCue | Audio,
        sample_rate: int | None = None,
        *,
        mixture: Audio | None = None,
    ) -> Presence:
        """Compare an extracted voice with the enrolment; see :mod:`tse.presence`.

        Parameters
        ----------
        voice, cue, sample_rate
            As for :meth:`__call__`; the voice that it returned.
        mixture
            What it was extracted from, of the same length. Where nothing was taken away from it,
            more is asked of the voice.

        Returns
        -------
        Presence
            Cosine and score of the most similar stretch, and a sentence where they are doubtful.

        Raises
        ------
        ArgumentError
            If the cue holds no embedding to compare with, or the lengths differ.
        """
        meter = PresenceMeter.for_cue(self.encoder, self.accept(cue, sample_rate))
        if meter is None:
            raise ArgumentError("`cue` must hold an embedding to compare with, got none")
        waveform = load_audio(voice, _rate(voice, sample_rate))
        whole = None if mixture is None else load_audio(mixture, _rate(mixture, sample_rate))
        if whole is not None and len(whole) != len(waveform):
            raise ArgumentError(
                f"`mixture` must be as long as the voice, {len(waveform)} samples at 16 kHz, got "
                f"{len(whole)}"
            )
        meter.push(waveform, whole)
        return meter.finish()

    def similarity(
        self, voice: Audio, cue: Cue | SpeakerCue | Audio, sample_rate: int | None = None
    ) -> float:
        """Compare an extracted voice with the enrolment: cosine of its most similar stretch.

        What a cosine says depends on the channel; :meth:`presence` takes it into account.

        Parameters
        ----------
        voice, cue, sample_rate
            As for :meth:`__call__`; the voice that it returned.

        Returns
        -------
        float
            NaN for silence, and where the cue holds no embedding to compare with.
        """
        accepted = self.accept(cue, sample_rate)
        if PresenceMeter.for_cue(self.encoder, accepted) is None:
            return float("nan")
        return self.presence(voice, accepted, sample_rate).similarity

    def stream(self, cue: Cue) -> ExtractionStream:
        """Open a stream for audio as it arrives; the extractor must be causal."""
        return ExtractionStream(self.network, cue)


def _rate(audio: object, sample_rate: int | None) -> int | None:
    """Sample rate of the audio; arrays without one are at that of the extractor."""
    in_memory = isinstance(audio, np.ndarray | torch.Tensor)
    return SAMPLE_RATE if sample_rate is None and in_memory else sample_rate
