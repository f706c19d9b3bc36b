"""Train the frame head on simulated conversations, over the frozen trunk and utterance head.

    python -m recipes.embedded.frames.train --packed PACKED \
        --speakers DATA/speech/train.tsv --annotations DATA/conversations/annotations \
        --output RUN_FRAMES --steps 3000 [--resume RUN_FRAMES/last.ckpt]
        [--start diarspk/assets/frames/FINGERPRINT.json]
        [--optimizer muon --precision bf16-mixed --devices 2]

A frame is to be embedded as the utterance head embeds its speaker's clean speech (see
``clean_voices.py``), also where others talk or have just talked; where several do, as the loudest
of them. ``export_head.py`` makes a card of the result. What a head has learned to pool depends on
the trunk more than on the space of its embeddings: after more training of the trunk, ``--start``
begins with the head that belonged to it before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from diarspk.encoders.loading import load_encoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FrameHead, FrameHeadConfig
from diarspk.encoders.local.network import SpeakerNetwork
from diarspk.errors import ModelError
from eval.command_line import command
from recipes.embedded.data.conversations import ConversationConfig
from recipes.embedded.frames.clean_voices import CleanVoices
from recipes.embedded.frames.objectives import FrameObjective, frame_losses
from recipes.embedded.head_training import HeadSettings, fit_head, read_conversations
from recipes.embedded.trunk.export import read_network
from recipes.training.trainer import OptimizationConfig, schedule_steps


@dataclass(frozen=True)
class FrameTrainConfig(OptimizationConfig):
    """Training settings of the frame head, stored in the checkpoint."""

    steps: int = 3000
    distance_weight: float = 4.0
    """Weight of the distance to the speaker's clean voice."""
    batch_weight: float = 0.5
    """Weight of the contrast among the voices of a batch."""
    window_weight: float = 1.0
    """Weight of that among those of a window."""
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


def read_trunk(encoder: Path | None) -> tuple[SpeakerNetwork, str]:
    """Network and fingerprint of a card, or of a checkpoint of ``train.py``, which has none.

    Raises
    ------
    ModelError
        If it is another kind of encoder.
    """
    if encoder is not None and encoder.suffix == ".ckpt":
        return read_network(encoder), ""
    loaded = load_encoder() if encoder is None else load_encoder(encoder)
    if not isinstance(loaded, LocalEncoder):
        raise ModelError(f"{encoder}: has no local trunk; give a card of recipes/embedded")
    return loaded.network, loaded.fingerprint


@dataclass(frozen=True)
class Settings:
    head: HeadSettings
    train: FrameTrainConfig
    seed: int = 4
    """Seed of the weights and the conversations."""
    encoder: Path | None = None
    """Card or checkpoint of the encoder; none: the embedded one."""
    windows: int = 6
    """Windows of ten seconds in a batch."""
    start: Path | None = None
    """Frame head to begin with."""


@command
def main(settings: Settings) -> None:
    lightning.seed_everything(settings.seed)
    network, fingerprint = read_trunk(settings.encoder)
    config = ConversationConfig(windows_per_batch=settings.windows)
    conversations = read_conversations(settings.head, config, seed=settings.seed)
    training = FrameTraining(
        network,
        CleanVoices(conversations.voices, network),
        FrameHeadConfig(width=network.config.trunk.width, dimension=network.config.dimension),
        settings.train,
        encoder=fingerprint,
    )
    fit_head(training, conversations, settings.head, settings.train, warm_start=settings.start)


if __name__ == "__main__":
    raise SystemExit(main())
