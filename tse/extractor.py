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
from diarspk.errors import ArgumentError
from tse.cue_acceptance import accept_cue, array_rate, make_cue
from tse.cue_sources import CueSource
from tse.cues import Cue
from tse.ensemble import Ensemble
from tse.models.network import ExtractionNetwork
from tse.presence import Presence
from tse.presence_meter import PresenceMeter, compare_voice
from tse.streaming import BlockConfig, ExtractionStream, extract_blocks, stream_voices

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
        return make_cue(enrolment, self.source, sample_rate, speaker)

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
        waveform = load_audio(mixture, array_rate(mixture, sample_rate))
        cues = [self.accept(cue, sample_rate)]
        return np.concatenate([block[0] for block in self.extract_blocks([waveform], cues)])

    def accept(self, cue: Cue | SpeakerCue | Audio, sample_rate: int | None = None) -> Cue:
        """Convert a description of a speaker, see :meth:`__call__`, to the cue of the network."""
        return accept_cue(cue, self.source, self.space, sample_rate)

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
            yield from stream_voices(self.network, blocks, cues)
            return
        ensemble = Ensemble(self.network, self.passes, self.verifier)
        near = [cue.map(lambda level: level.to(self.device)) for cue in cues]

        def extract(block: Samples, position: int) -> Samples:
            mixture = torch.from_numpy(np.ascontiguousarray(block))[None].to(self.device)
            wanted = [True] * len(near) if talks is None else talks(position, len(block))
            return ensemble.extract_each(mixture, near, wanted)

        yield from extract_blocks(blocks, extract, config or BlockConfig())

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
        accepted = self.accept(cue, sample_rate)
        waveform = load_audio(voice, array_rate(voice, sample_rate))
        whole = None if mixture is None else load_audio(mixture, array_rate(mixture, sample_rate))
        return compare_voice(self.encoder, accepted, waveform, whole)

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
