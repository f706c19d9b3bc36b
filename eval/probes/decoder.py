"""A small decoder of log-mel features from content and a cue: the synthesiser to probe without TTS.

Content is what a narrow bottleneck leaves of an utterance: its first cepstra, smoothed and brought
to mean 0 and deviation 1 within the utterance, so that what the voice as a whole sounds like has
to come from the cue. ``recipes.conditioning`` trains the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.checkpoints.checkpoint import read_checkpoint, write_checkpoint
from diarspk.errors import ModelError
from eval.embeddings.embedding_cache import load_system
from eval.embeddings.speech import Utterance
from eval.probes.synthesis import Synthesis, Voice, log_mel_of

__all__ = [
    "ConditionedDecoder",
    "MelDecoder",
    "MelDecoderConfig",
    "content_of",
    "load_decoder",
    "spread_cue",
    "write_decoder",
]

SMOOTHING_FRAMES = 7


@dataclass(frozen=True)
class MelDecoderConfig:
    """Dimensions of a :class:`MelDecoder`.

    Attributes
    ----------
    cepstra : int
        Of the content: the fewer, the less of the voice is in it.
    cue : int
        Length of the cue.
    core : int
        Convolutions before the cue comes in.
    layers : int
        Convolutions that the cue scales and shifts.
    first_cepstrum : int
        First cepstrum of the content; 1 leaves the energy out, which then comes from the cue.
    pitch : bool
        Whether the pitch is decoded beside the features.
    """

    cepstra: int = 8
    cue: int = 192
    mels: int = 80
    width: int = 128
    core: int = 2
    layers: int = 3
    kernel: int = 5
    first_cepstrum: int = 0
    pitch: bool = False


class MelDecoder(nn.Module):
    """Convolutions over content, of which the later ones are modulated by the cue (FiLM).

    Shape
    -----
    content ``(batch, frames, cepstra)``, cue ``(batch, dim)`` or one for each frame,
    ``(batch, frames, dim)`` -> ``(batch, frames, mels)``
    """

    def __init__(self, config: MelDecoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MelDecoderConfig()
        self.enter = nn.Linear(config.cepstra, config.width)
        self.core = nn.ModuleList(_Block(config) for _ in range(config.core))
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.modulate = nn.Linear(config.cue, 2 * config.layers * config.width)
        self.leave = nn.Linear(config.width, config.mels + config.pitch)

    def forward(self, content: Tensor, cue: Tensor) -> Tensor:
        """Log-mel features less their level."""
        return self.states(content, cue)["output"]

    def states(self, content: Tensor, cue: Tensor) -> dict[str, Tensor]:
        """``core`` before the cue, ``decoder`` after it, ``output``: ``(batch, frames, ...)``.

        With pitch, also ``pitch``: ``(batch, frames, 1)`` in octaves.
        """
        hidden = self.enter(content)
        for block in self.core:
            hidden = block(hidden, None)
        states = {"core": hidden}
        cue = cue if cue.dim() == 3 else cue[:, None]  # (batch, frames or 1, dim)
        modulation = self.modulate(cue).unflatten(-1, (self.config.layers, -1))
        for block, one in zip(self.blocks, modulation.unbind(2), strict=True):
            hidden = block(hidden, one)
        output = self.leave(hidden)
        states = {**states, "decoder": hidden, "output": output[..., : self.config.mels]}
        return states | ({"pitch": output[..., self.config.mels :]} if self.config.pitch else {})


class _Block(nn.Module):
    def __init__(self, config: MelDecoderConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        padding = config.kernel // 2
        self.convolve = nn.Conv1d(config.width, config.width, config.kernel, padding=padding)

    def forward(self, hidden: Tensor, modulation: Tensor | None) -> Tensor:
        change = self.convolve(self.norm(hidden).transpose(1, 2)).transpose(1, 2)
        if modulation is not None:
            scale, shift = modulation.chunk(2, dim=-1)  # (batch, frames or 1, width)
            change = change * (1 + scale) + shift
        return hidden + nn.functional.gelu(change)


class ConditionedDecoder:
    """A trained :class:`MelDecoder` and the encoder of its cues: a synthesiser to probe."""

    def __init__(self, network: MelDecoder, encoder: str, fingerprint: str = "") -> None:
        self.network = network.eval()
        self.encoder = encoder
        self.fingerprint = fingerprint
        self._embed: Any = None

    def read(self, utterance: Utterance) -> Voice:
        """Content by :func:`content_of`, cue of the utterance itself.

        Raises
        ------
        ModelError
            If the encoder is not the one that the decoder was trained with.
        """
        if self._embed is None:
            embed, space = load_system(self.encoder)
            found = self.encoder if space is None else space.fingerprint
            if self.fingerprint and found != self.fingerprint:
                raise ModelError(
                    f"`{self.encoder}` has fingerprint {found}, the decoder was trained with "
                    f"{self.fingerprint}; train it again with this encoder"
                )
            self._embed = embed
        log_mel = log_mel_of(utterance.waveform)
        cue = self._embed([utterance.waveform])[0]
        config = self.network.config
        content = content_of(log_mel, config.cepstra, first=config.first_cepstrum)
        return Voice(utterance.speaker, content, np.asarray(cue, np.float32), log_mel)

    @torch.inference_mode()
    def synthesise(self, content: NDArray[np.float32], cue: NDArray[np.float32]) -> Synthesis:
        """See :class:`eval.probes.synthesis.Synthesiser`; sequences are spread over the content."""
        cue = spread_cue(cue, len(content)) if cue.ndim == 2 else cue
        batch = torch.from_numpy(content)[None], torch.from_numpy(cue)[None]
        states = {name: one[0].numpy() for name, one in self.network.states(*batch).items()}
        return Synthesis(states.pop("output"), states)


def content_of(
    log_mel: NDArray[np.float32], cepstra: int, *, first: int = 0
) -> NDArray[np.float32]:
    """Leave what is said and hardly who says it: ``(frames, mels)`` -> ``(frames, cepstra)``.

    The cepstra from the ``first`` on, of which the zeroth is the energy; smoothed over 70 ms;
    mean 0 and deviation 1 over the utterance.
    """
    from scipy.fft import dct

    found = dct(log_mel.astype(np.float64), norm="ortho", axis=1)
    found = found[:, first : first + cepstra]
    window = np.hanning(SMOOTHING_FRAMES + 2)[1:-1]
    padded = np.pad(found, ((SMOOTHING_FRAMES // 2,) * 2, (0, 0)), mode="edge")
    smooth = np.stack(
        [np.convolve(column, window / window.sum(), "valid") for column in padded.T], axis=1
    )
    spread = np.maximum(smooth.std(axis=0), 1e-6)
    return np.asarray((smooth - smooth.mean(axis=0)) / spread, np.float32)


def spread_cue(cue: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Spread a sequence ``(rows, dim)`` evenly over frames, by linear interpolation."""
    place = np.linspace(0, len(cue) - 1, frames)
    below = np.floor(place).astype(np.int64)
    above, share = np.minimum(below + 1, len(cue) - 1), (place - below)[:, None]
    return np.asarray((1 - share) * cue[below] + share * cue[above], np.float32)


def write_decoder(
    card: Path, decoder: ConditionedDecoder, notes: Mapping[str, object] | None = None
) -> None:
    """Write ``NAME.json`` and ``NAME.safetensors``."""
    card.parent.mkdir(parents=True, exist_ok=True)
    description = {
        "config": asdict(decoder.network.config),
        "encoder": decoder.encoder,
        "fingerprint": decoder.fingerprint,
        **(notes or {}),
    }
    write_checkpoint(card, decoder.network.state_dict(), description, half=False)


def load_decoder(card: Path) -> ConditionedDecoder:
    """Read what :func:`write_decoder` wrote.

    Raises
    ------
    ModelError
        If a file is missing, damaged, or of something else.
    """
    stored = read_checkpoint(card)
    found: dict[str, Any] = stored.card
    try:
        network = MelDecoder(MelDecoderConfig(**found["config"]))
        network.load_state_dict(stored.tensors)
        return ConditionedDecoder(network, found["encoder"], found["fingerprint"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"{card}: not a decoder ({error}); train one again") from error
