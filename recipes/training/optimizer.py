"""Muon for hidden matrices, AdamW for all else, as one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, distributed, nn
from torch.optim.optimizer import ParamsT

__all__ = ["MuonAdamW", "Optimizer", "make_optimizer", "split_parameters"]

Optimizer = Literal["adamw", "muon"]


def split_parameters(
    module: nn.Module, hidden: tuple[str, ...], *, left_out: tuple[str, ...] = ()
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Split parameters into the matrices whose names begin with one of ``hidden``, and the rest.

    Those whose names begin with one of ``left_out`` are in neither.
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        is_hidden = parameter.dim() == 2 and name.startswith(hidden)
        if not name.startswith(left_out):
            (matrices if is_hidden else others).append(parameter)
    return matrices, others


def make_optimizer(
    name: Optimizer,
    matrices: Iterable[Tensor],
    others: Iterable[dict[str, Any]],
    *,
    lr: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """Make an optimizer of hidden matrices and of groups of all other parameters.

    Parameters
    ----------
    name
        ``adamw`` takes all, with ``muon`` the matrices are Muon's.
    matrices
        With two axes each, neither of which counts inputs or outputs of the network.
    others
        Groups as AdamW takes them, with settings of their own.
    lr, weight_decay
        Of what has none of its own.
    """
    matrices, groups = list(matrices), list(others)
    if name == "muon" and matrices:
        return MuonAdamW(matrices, groups, lr=lr, weight_decay=weight_decay)
    return torch.optim.AdamW(
        [{"params": matrices}, *groups] if matrices else groups, lr=lr, weight_decay=weight_decay
    )


class MuonAdamW(torch.optim.Optimizer):
    """Steps of matrices are orthogonalised (Jordan et al. 2024, "Muon"); AdamW takes the rest.

    Both have one learning rate: Muon's steps are scaled to the root mean square of AdamW's (Liu et
    al. 2025, "Muon is scalable for LLM training", equation 4). It needs PyTorch 2.9. Processes that
    train together each orthogonalise some of the matrices, and give one another the results.

    Parameters
    ----------
    matrices : iterable of Tensor
    others : iterable of Tensor or of dict
        Tensors, or groups of them with settings of their own, as AdamW takes them.
    lr, weight_decay : float
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: ParamsT,
        *,
        lr: float,
        weight_decay: float,
    ) -> None:
        self.together = distributed.is_available() and distributed.is_initialized()
        own: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
        make_muon = _make_shared_muon if self.together else torch.optim.Muon
        self.parts: tuple[torch.optim.Optimizer, torch.optim.Optimizer] = (
            make_muon(list(matrices), adjust_lr_fn="match_rms_adamw", **own),
            torch.optim.AdamW(others, **own),
        )
        super().__init__(self._groups(), {})
        self.param_groups = self._groups()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Evaluate the closure, then step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """State of both parts.

        All processes that train together must call it; only the first gets what the others have.
        """
        if self.together:
            self.parts[0].consolidate_state_dict()  # type: ignore[attr-defined]
            if distributed.get_rank():
                return {"parts": []}
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = self._groups()

    def _groups(self) -> list[dict[str, Any]]:
        """List the groups of both parts themselves: a rate set there is that of the part."""
        return [group for part in self.parts for group in part.param_groups]


def _make_shared_muon(matrices: list[Tensor], **settings: Any) -> torch.optim.Optimizer:
    from torch.distributed.optim import ZeroRedundancyOptimizer  # compiles much when imported

    return ZeroRedundancyOptimizer(matrices, torch.optim.Muon, **settings)
