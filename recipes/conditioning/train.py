"""Train a decoder of log-mel features from content and a cue, for ``eval.probes synthesis``.

    python -m recipes.conditioning.train --packed packed.npz --output RUN --steps 3000

Writes ``RUN/decoder.json`` and its weights.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.errors import ArgumentError
from eval.command_line import command, one_of
from eval.probes.decoder import ConditionedDecoder, MelDecoder, MelDecoderConfig, write_decoder
from recipes.conditioning.adversary import SpeakerAdversary
from recipes.conditioning.data import CroppedBatches, PackedVoices, Reference, read_packed
from recipes.training.trainer import make_trainer, schedule_rate


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training; the card keeps them."""

    steps: int
    """Number of steps."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    warmup_steps: int = 100
    """Steps in which the learning rate rises."""
    weight_decay: float = 0.01
    """Weight decay."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    size: int = 16
    """Crops in a batch."""
    frames: int = 150
    """Frames of a crop, of 10 ms."""
    drop_cue: float = 0.0
    """Share of crops without a cue, from which the decoder learns the cue of nobody."""
    seed: int = 0
    """Seed of the weights and the batches."""
    adversary: float = 0.0
    """Weight of the gradient that takes the speaker out of the content; 0: none."""
    reference: Annotated[Reference, one_of(("other", "own"))] = "other"
    """Utterance that the cue is of: another one of the speaker, or the one that is decoded."""


def pitch_loss(found: Tensor, pitch: Tensor) -> Tensor:
    """Mean absolute error of the pitch ``(batch, frames)`` where it is voiced, in octaves."""
    voiced = torch.isfinite(pitch)
    error = torch.where(voiced, found - torch.nan_to_num(pitch), 0.0).abs()
    return error.sum() / voiced.sum().clamp_min(1)


class DecoderTraining(lightning.LightningModule):
    """Optimisation steps: mean absolute error of log-mel features, and of pitch in octaves.

    With an adversary, a classifier names the speaker by the states before the cue, and its
    gradient reaches these states reversed: they are to tell nothing of the speaker.
    """

    def __init__(self, network: MelDecoder, config: TrainConfig, speakers: int = 0) -> None:
        super().__init__()
        self.network, self.config = network, config
        self.adversary = SpeakerAdversary(network.config.width, speakers, config.adversary)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        states = self.network.states(batch["content"], batch["cue"])
        loss = torch.nn.functional.l1_loss(states["output"], batch["log_mel"])
        self.log("loss", loss.detach(), prog_bar=True)
        if "pitch" in states:
            loss = loss + pitch_loss(states["pitch"][..., 0], batch["pitch"])
        if self.config.adversary:
            guess = self.adversary(states["core"])
            loss = loss + torch.nn.functional.cross_entropy(guess, batch["speaker"])
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        config = self.config
        optimizer = torch.optim.AdamW(
            self.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        return schedule_rate(optimizer, steps=config.steps, warmup_steps=config.warmup_steps)


def fit(
    voices: PackedVoices, network: MelDecoderConfig, config: TrainConfig, output: Path
) -> ConditionedDecoder:
    """Train from scratch; the same settings give the same weights.

    Raises
    ------
    ArgumentError
        If pitch is to be decoded and the voices have none; or as :class:`CroppedBatches` does.
    """
    if network.pitch and voices.pitch is None:
        raise ArgumentError("`voices` must have a pitch for a network that decodes it, got none")
    lightning.seed_everything(config.seed, verbose=False)
    decoder = MelDecoder(network)
    # Levelled features lie far below zero: from there, the first thousand steps would go into that.
    mean = voices.log_mel.astype(np.float32).mean(axis=0)
    octave = np.zeros(int(network.pitch))  # of the pitch, which lies far from zero as well
    if voices.pitch is not None and np.isfinite(voices.pitch).any():
        octave += np.nanmean(voices.pitch)
    decoder.leave.bias.data = torch.from_numpy(np.append(mean, octave).astype(np.float32))
    training = DecoderTraining(decoder, config, len(set(voices.speakers)))
    data = CroppedBatches(
        voices,
        cepstra=network.cepstra,
        size=config.size,
        frames=config.frames,
        drop_cue=config.drop_cue,
        seed=config.seed,
        first_cepstrum=network.first_cepstrum,
        reference=config.reference,
    )
    trainer = make_trainer(output, steps=config.steps, clip=config.clip)
    trainer.fit(training, DataLoader(data, batch_size=None))
    return ConditionedDecoder(training.network, voices.encoder, voices.fingerprint)


@dataclass(frozen=True)
class Settings:
    train: TrainConfig
    packed: Path
    """File that recipes.conditioning.prepare has packed."""
    output: Path
    """Folder of the decoder."""
    cepstra: int = MelDecoderConfig.cepstra
    """Number of cepstra that the content is reduced to."""
    width: int = MelDecoderConfig.width
    """Channels of the decoder."""


@command
def main(settings: Settings) -> None:
    voices = read_packed(settings.packed)
    network = MelDecoderConfig(
        cepstra=settings.cepstra, cue=voices.cues.shape[1], width=settings.width
    )
    decoder = fit(voices, network, settings.train, settings.output)
    card = settings.output / "decoder.json"
    write_decoder(
        card, decoder, {"recipe": "recipes/conditioning", "training": asdict(settings.train)}
    )
    print(card)


if __name__ == "__main__":
    raise SystemExit(main())
