"""The optimizer of a phase, with a learning rate for each layer of a front end."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import nn

from diarspk.encoders.s3prl.encoder import UpstreamArchitecture
from recipes.zoo.settings import Phase

__all__ = ["configure_optimizer", "parameter_groups"]

LAYER = re.compile(r"\blayers\.(\d+)\.")


def configure_optimizer(module: nn.Module, phase: Phase) -> OptimizerLRSchedulerConfig:
    """Make the optimizer of a phase, whose learning rates rise, then fall exponentially."""
    groups = parameter_groups(module, phase)
    options: dict[str, Any] = {"lr": phase.learning_rate, "weight_decay": phase.weight_decay}
    optimizer: torch.optim.Optimizer
    if phase.optimizer == "sgd":
        optimizer = torch.optim.SGD(groups, momentum=0.9, nesterov=True, **options)
    else:
        optimizer = torch.optim.AdamW(groups, **options)
    fall = phase.final_learning_rate / phase.learning_rate

    def factor(step: int) -> float:
        return float(min((step + 1) / phase.warmup_steps, 1.0) * fall ** (step / phase.steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def parameter_groups(module: nn.Module, phase: Phase) -> list[dict[str, Any]]:
    """Group what is trained by its learning rate: the encoder, then the front end from the top.

    A layer ``n`` below the last of ``L`` layers has the rate ``front_end_rate * layer_decay ** n``
    of the encoder's; what is before the first layer counts as one below it.
    """
    below: dict[int, list[nn.Parameter]] = defaultdict(list)
    taken: set[int] = set()
    for part in module.modules():
        if isinstance(part, UpstreamArchitecture):
            network = part.upstream.network
            depths = {name: _depth(name) for name, _ in network.named_parameters()}
            last = max(depths.values(), default=0)
            for name, parameter in network.named_parameters():
                taken.add(id(parameter))
                if parameter.requires_grad:
                    below[last - depths[name]].append(parameter)
    others = [one for one in module.parameters() if one.requires_grad and id(one) not in taken]
    groups: list[dict[str, Any]] = [{"params": others}]
    for number in sorted(below):
        rate = phase.learning_rate * phase.front_end_rate * phase.layer_decay**number
        groups.append({"params": below[number], "lr": rate})
    return groups


def _depth(name: str) -> int:
    """Count the layers up to a parameter's; 0 before the first."""
    found = LAYER.search(name)
    return 0 if found is None else int(found[1]) + 1
