"""Train the frame head on simulated conversations, over the frozen trunk and utterance head.

    python -m recipes.embedded.frames.train --packed PACKED \
        --speakers ../shared/speech/train.tsv --annotations ../shared/conversations/annotations \
        --output RUN_FRAMES --steps 3000 [--resume RUN_FRAMES/last.ckpt]
        [--start diarspk/assets/frames/FINGERPRINT.json]
        [--optimizer muon --precision bf16-mixed --devices 2]

A frame is to be embedded as the utterance head embeds its speaker's clean speech (see
``voices.py``), also where others talk or have just talked; where several do, as the loudest of
them. ``export_head.py`` makes a card of the result. What a head has learned to pool depends on
the trunk more than on the space of its embeddings: after more training of the trunk, ``--start``
begins with the head that belonged to it before.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, field
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameHead, FrameHeadConfig
from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.errors import ModelError
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.data.data_module import add_material_options, read_material
from recipes.embedded.frames.objectives import FrameObjective, frame_losses
from recipes.embedded.frames.voices import CleanVoices
from recipes.embedded.trunk.export import read_network
from recipes.embedded.trunk.warm_start import begin_with
from recipes.training.sharing import share_of_process
from recipes.training.trainer import (
    OptimizationConfig,
    add_training_options,
    make_trainer,
    schedule_steps,
)
from recipes.training.warm_start import read_start


@dataclass(frozen=True)
class FrameTrainConfig(OptimizationConfig):
    """How the frame head is trained; it is stored in the checkpoint."""

    distance_weight: float = 4.0
    batch_weight: float = 0.5  # of the contrast among the voices of a batch
    window_weight: float = 1.0  # of that among those of a window
    objective: FrameObjective = field(default_factory=FrameObjective)


class FrameTraining(lightning.LightningModule):
    """Optimisation steps of the frame head alone.

    Parameters
    ----------
    encoder
        Fingerprint of the network's space, for the card; empty where it has none yet.
    """

    def __init__(
        self,
        network: SpeakerNetwork,
        voices: CleanVoices,
        head: FrameHeadConfig,
        train: FrameTrainConfig,
        *,
        encoder: str = "",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(
            {"head": asdict(head), "train": asdict(train), "encoder": encoder}
        )
        self.config = train
        self.frozen = [network.eval().requires_grad_(False)]  # in a list: not saved, not trained
        self.voices = voices
        self.head = FrameHead(head)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        config, (network,) = self.config, self.frozen
        with torch.no_grad():
            frames = network.trunk(batch["features"]).float()
        with torch.autocast(frames.device.type, enabled=False):  # or variances would be lost
            losses = frame_losses(
                self.head(frames, network.utterance),
                self.voices(batch["row"]),
                self.voices.number(batch["row"]),
                batch["activity"],
                batch["power"],
                config.objective,
            )
        loss = (
            config.distance_weight * losses.distance
            + config.batch_weight * losses.batch_contrast
            + config.window_weight * losses.window_contrast
        )
        self.log_dict({"loss": loss, **vars(losses)}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return schedule_steps(self.head, ("layers.",), self.config)


def read_trunk(model: Path | None) -> tuple[SpeakerNetwork, str]:
    """Network and fingerprint of a card, or of a checkpoint of ``train.py``, which has none.

    Raises
    ------
    ModelError
        If it is another kind of encoder.
    """
    if model is not None and model.suffix == ".ckpt":
        return read_network(model), ""
    encoder = load_encoder() if model is None else load_encoder(model)
    if not isinstance(encoder, LocalEncoder):
        raise ModelError(f"{model}: has no local trunk; give a card of recipes/embedded")
    return encoder.network, encoder.fingerprint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_material_options(parser)
    parser.add_argument("--model", type=Path, help="card or checkpoint; the embedded without it")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--windows", type=int, default=6, help="of ten seconds in a batch")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=FrameTrainConfig.learning_rate)
    add_training_options(parser)
    parser.add_argument("--start", type=Path, help="frame head to begin with")
    parser.add_argument("--resume", type=Path, help="checkpoint of this run to go on from")
    arguments = parser.parse_args()

    lightning.seed_everything(arguments.seed)
    network, fingerprint = read_trunk(arguments.model)
    # Not in memory: the system's page cache serves the process that trains and the one that draws.
    material = read_material(arguments, in_memory=False)
    conversations = material.conversations(
        ConversationConfig(windows_per_batch=arguments.windows),
        seed=arguments.seed,
        share=share_of_process(arguments.devices, arguments.resume),
    )
    training = FrameTraining(
        network,
        CleanVoices(conversations, network),
        FrameHeadConfig(width=network.config.trunk.width, dimension=network.config.dimension),
        FrameTrainConfig(
            steps=arguments.steps,
            learning_rate=arguments.learning_rate,
            optimizer=arguments.optimizer,
            average=arguments.average,
        ),
        encoder=fingerprint,
    )
    if arguments.start is not None:
        begin_with(training, read_start(arguments.start, part="", name="head."))
    trainer = make_trainer(
        arguments.output,
        steps=arguments.steps,
        clip=1.0,
        precision=arguments.precision,
        devices=arguments.devices,
        average=arguments.average,
    )
    # Windows are made in a process of their own, beside those that train.
    loader = DataLoader(conversations, batch_size=None, num_workers=1, prefetch_factor=4)
    trainer.fit(training, loader, ckpt_path=arguments.resume)
    trainer.save_checkpoint(arguments.output / "final.ckpt")


if __name__ == "__main__":
    main()
