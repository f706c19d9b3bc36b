"""The interface between probes and synthesis: write these few lines for your own TTS.

A :class:`Synthesiser` makes log-mel features from content and a cue; the probes of
:mod:`eval.probes.conditioning` need nothing else. To use them by the command line, a function
``module:function`` returns a :class:`SynthesisSystem`, which also knows how to read an utterance::

    class MyTTS:
        encoder = "my encoder"

        def read(self, utterance):
            text = transcripts[utterance.name]
            return Voice(utterance.speaker, text, my_encoder(utterance.waveform))

        def synthesise(self, content, cue):
            waveform = my_tts(content, torch.from_numpy(cue))
            return Synthesis(log_mel_of(waveform))

    def load():
        return MyTTS()

    python -m eval.probes synthesis --synthesiser my_module:load --data FOLDER
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diarspk.features.log_mel import LogMel, gated_level
from eval.embeddings.speech import Utterance

__all__ = ["Synthesis", "SynthesisSystem", "Synthesiser", "Voice", "log_mel_of"]

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Output of a synthesiser.

    Attributes
    ----------
    log_mel : ndarray of float32, ``(frames, 80)``
        As :func:`log_mel_of` gives it: :class:`diarspk.features.log_mel.LogMel` less its gated
        level.
    hidden : mapping of str to ndarray, ``(frames, width)``
        States inside the network, by name, for the probe of leakage; may be left empty.
    """

    log_mel: Features
    hidden: Mapping[str, Features] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Voice:
    """An utterance as a synthesiser takes it.

    Attributes
    ----------
    speaker : str
    content : object
        What is said, in whatever form the synthesiser reads: text, phones, features.
    cue : ndarray of float32, ``(dim,)``
        Of the speaker. Zeros of the same length stand for nobody.
    log_mel : ndarray of float32, ``(frames, 80)``
        Of the real utterance, as :func:`log_mel_of` gives it.
    """

    speaker: str
    content: Any
    cue: NDArray[np.float32]
    log_mel: Features


class Synthesiser(Protocol):
    """Makes log-mel features from content and a cue."""

    def synthesise(self, content: Any, cue: NDArray[np.float32]) -> Synthesis:
        """Speak ``content`` with the voice of ``cue`` ``(dim,)``; the same input, the same output.

        Must take cues of any norm, zeros included: what comes of them is what the probes ask.
        """


class SynthesisSystem(Synthesiser, Protocol):
    """A synthesiser that reads utterances, and says whose vectors its cues are."""

    @property
    def encoder(self) -> str:
        """Name of the encoder of the cues: the probes warn where it judges itself."""

    def read(self, utterance: Utterance) -> Voice:
        """Take an utterance apart."""


def log_mel_of(waveform: NDArray[np.float32]) -> Features:
    """Log-mel features of a waveform at 16 kHz less their level, ``(frames, 80)``.

    Natural logarithm, 25 ms every 10 ms; the volume of the waveform leaves no trace.
    """
    import torch

    with torch.inference_mode():
        features = LogMel()(torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None])[0]
        return np.asarray((features - gated_level(features)).numpy())
