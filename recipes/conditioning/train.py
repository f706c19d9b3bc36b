"""Train a decoder of log-mel features from content and a cue, for ``eval.probes synthesis``.

    python -m recipes.conditioning.train --packed packed.npz --output RUN --steps 3000

Writes ``RUN/decoder.json`` and its weights.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.errors import DiarspkError
from eval.probes.decoder import ConditionedDecoder, MelDecoder, MelDecoderConfig, write_decoder
from recipes.conditioning.data import CroppedBatches, PackedVoices, read_packed
from recipes.training.trainer import make_trainer, schedule_rate


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training; the card keeps them."""

    steps: int
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    size: int = 16
    frames: int = 150  # 1.5 s
    drop_cue: float = 0.0  # standard training; above it, the decoder also learns the cue of nobody
    seed: int = 0


class DecoderTraining(lightning.LightningModule):
    """Optimisation steps: mean absolute error of log-mel features."""

    def __init__(self, network: MelDecoder, config: TrainConfig) -> None:
        super().__init__()
        self.network, self.config = network, config

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        made = self.network(batch["content"], batch["cue"])
        loss = torch.nn.functional.l1_loss(made, batch["log_mel"])
        self.log("loss", loss.detach(), prog_bar=True)
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
    """Train from scratch; the same settings give the same weights."""
    lightning.seed_everything(config.seed, verbose=False)
    decoder = MelDecoder(network)
    # Levelled features lie far below zero: from there, the first thousand steps would go into that.
    mean = voices.log_mel.astype(np.float32).mean(axis=0)
    decoder.leave.bias.data = torch.from_numpy(mean)
    training = DecoderTraining(decoder, config)
    data = CroppedBatches(
        voices,
        cepstra=network.cepstra,
        size=config.size,
        frames=config.frames,
        drop_cue=config.drop_cue,
        seed=config.seed,
    )
    trainer = make_trainer(output, steps=config.steps, clip=config.clip)
    trainer.fit(training, DataLoader(data, batch_size=None))
    return ConditionedDecoder(training.network, voices.encoder, voices.fingerprint)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packed", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--cepstra", type=int, default=MelDecoderConfig.cepstra)
    parser.add_argument("--width", type=int, default=MelDecoderConfig.width)
    parser.add_argument("--drop-cue", type=float, default=TrainConfig.drop_cue)
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    options = parser.parse_args()
    config = TrainConfig(options.steps, drop_cue=options.drop_cue, seed=options.seed)
    try:
        voices = read_packed(options.packed)
        network = MelDecoderConfig(
            cepstra=options.cepstra, cue=voices.cues.shape[1], width=options.width
        )
        decoder = fit(voices, network, config, options.output)
    except DiarspkError as error:
        sys.exit(f"error: {error}")
    card = options.output / "decoder.json"
    write_decoder(card, decoder, {"recipe": "recipes/conditioning", "training": asdict(config)})
    print(card)


if __name__ == "__main__":
    main()
