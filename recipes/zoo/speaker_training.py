"""A network and its loss, and the steps that train them in one phase."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from diarspk.encoders.architectures.base import Architecture
from diarspk.encoders.losses import (
    AngularMarginSoftmax,
    GeneralizedEndToEnd,
    MarginSchedule,
    Softmax,
    SubcentreAngularMarginSoftmax,
)
from diarspk.features.log_mel import mean_normalize
from recipes.zoo.held_out import HeldOut, embed_crops, pair_error_rate
from recipes.zoo.network import build_network, keep_frames, tune_front_end
from recipes.zoo.optimizer import configure_optimizer
from recipes.zoo.settings import Phase, Settings

__all__ = ["ERROR", "SpeakerTraining"]

ERROR = "validation_eer"
"""Name in the log of the error rate on held-out speakers."""


def build_loss(settings: Settings, dimension: int, classes: int) -> nn.Module:
    """Build the loss of a run; one without margin has no attribute ``margin``."""
    if settings.loss == "ge2e":
        return GeneralizedEndToEnd()
    if settings.loss == "softmax":
        return Softmax(dimension, classes)
    if settings.loss == "subcentre":
        return SubcentreAngularMarginSoftmax(dimension, classes, scale=settings.scale)
    return AngularMarginSoftmax(dimension, classes, scale=settings.scale)


class SpeakerTraining(lightning.LightningModule):
    """A network, its loss, and how they are trained in one phase.

    The network is that of the settings, unless another one is given. It is validated on the
    crops of ``held_out``, if there are any.
    """

    def __init__(
        self,
        settings: Settings,
        phase: Phase,
        classes: int,
        network: Architecture | None = None,
        held_out: HeldOut | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.phase, self.held_out = settings, phase, held_out
        self.network = build_network(settings) if network is None else network
        tune_front_end(self.network, phase)
        keep_frames(self.network, settings.front_end)
        self.embedded: list[Tensor] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.criterion = build_loss(settings, self.network.dimension, classes)
        steps = phase.steps
        self.margin = MarginSchedule(
            phase.margin_from * steps, phase.margin_to * steps, phase.initial_margin, phase.margin
        )

    def training_step(self, batch: dict[str, Tensor], batch_number: int) -> Tensor:
        # Dropout of a step is the same whether or not the run was interrupted before it.
        torch.manual_seed(hash((self.settings.seed, self.global_step, self.global_rank)) % 2**63)
        features = self.normalize(batch["features"])
        if isinstance(self.criterion, AngularMarginSoftmax | SubcentreAngularMarginSoftmax):
            self.criterion.margin = self.margin.margin(self.global_step)
        loss: Tensor = self.criterion(self.network(features), batch["label"])
        self.log("loss", loss, prog_bar=True)
        return loss

    def normalize(self, features: Tensor) -> Tensor:
        """Subtract the mean over time of features; a waveform stays as it is."""
        return mean_normalize(features) if features.dim() == 3 else features

    def validation_step(self, crops: Tensor, batch_number: int) -> None:
        self.embedded.append(embed_crops(self.network, crops))

    def on_validation_epoch_end(self) -> None:
        assert self.held_out is not None
        error = pair_error_rate(torch.cat(self.embedded), self.held_out.speakers)
        self.embedded.clear()
        # Every process has embedded all crops; they agree but for the order of additions.
        self.log(ERROR, torch.tensor(error, device=self.device), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return configure_optimizer(self, self.phase)
