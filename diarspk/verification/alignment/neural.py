"""The three alignments of NESSA (arXiv 2401.12440, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diarspk.embeddings.space import Space
from diarspk.errors import ArgumentError
from diarspk.verification.alignment.alignment import Alignment, Pairs, Rows, Side, new_space
from diarspk.verification.alignment.training import (
    Mlp,
    MlpConfig,
    TrainingConfig,
    contrastive_loss,
    squared_error,
    train,
)

__all__ = ["JointAlignment", "MlpAlignment"]

Network = TypeVar("Network", bound=nn.Module)


class MlpAlignment(Alignment):
    """Network from one space into the other (M1 and M2 of NESSA).

    M1 maps the run-time embeddings into the enrolment space (``toward="enrolment"``), M2 the
    enrolment embeddings into the run-time space. With M2 enrolled profiles are mapped once and
    there is no cost at run time. Map into the space of the better encoder.

    Parameters
    ----------
    enrolment, runtime : Space
    toward : "enrolment" or "runtime"
        The space that is mapped into.
    network : MlpConfig
    training : TrainingConfig
    """

    method = "mlp"

    def __init__(
        self,
        enrolment: Space,
        runtime: Space,
        *,
        toward: Side = "enrolment",
        network: MlpConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        super().__init__(enrolment, runtime)
        if toward not in ("enrolment", "runtime"):
            raise ArgumentError(f"`toward` must be enrolment or runtime, got {toward!r}")
        self.toward: Side = toward
        self.network = network or MlpConfig()
        self.training = training or TrainingConfig()
        self.mlp_: Mlp | None = None

    @property
    def output(self) -> Space:
        """See :class:`Alignment`."""
        return self.enrolment if self.toward == "enrolment" else self.runtime

    @property
    def fitted(self) -> bool:
        """See :class:`Alignment`."""
        return self.mlp_ is not None

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """See :class:`Alignment`."""
        assert self.mlp_ is not None
        return _arrays(self.mlp_)

    def restore(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """See :class:`Alignment`."""
        self.mlp_ = self._build()
        _restore(self.mlp_, arrays)

    def settings(self) -> dict[str, Any]:
        """See :class:`Alignment`."""
        return {
            "toward": self.toward,
            "network": asdict(self.network),
            "training": asdict(self.training),
        }

    def _build(self) -> Mlp:
        moving = self.runtime if self.toward == "enrolment" else self.enrolment
        return Mlp(moving.dimension, self.output.dimension, self.network)

    def _fit(self, pairs: Pairs) -> None:
        ends = (torch.from_numpy(pairs.runtime), torch.from_numpy(pairs.enrolment))
        moving, fixed = ends if self.toward == "enrolment" else ends[::-1]
        speakers = _numbers(pairs)
        mlp, config = _seeded(self._build, self.training.seed), self.training
        names = torch.from_numpy(speakers)

        def loss_of(batch: Tensor) -> Tensor:
            mapped, reference = mlp(moving[batch]), fixed[batch]
            loss = torch.zeros(())
            if config.loss in ("mse", "both"):
                loss = loss + squared_error(mapped, reference)
            if config.loss in ("contrastive", "both"):
                loss = loss + contrastive_loss(
                    mapped, reference, names[batch], temperature=config.temperature
                )
            return loss

        train(mlp, loss_of, speakers, config)
        self.mlp_ = mlp

    def _transform(self, rows: Rows, side: Side) -> Rows:
        if side == self.toward:
            return rows
        assert self.mlp_ is not None
        return _run(self.mlp_, rows)


class JointAlignment(Alignment):
    """Two networks into a new space (M3 of NESSA).

    The loss is contrastive, regularized by squared errors to a reference space.

    Parameters
    ----------
    enrolment, runtime : Space
    reference : "enrolment" or "runtime"
        Reference space of the regularization: the better encoder's.
    regularisation : float
        Weight of the two squared errors.
    network : MlpConfig
        Architecture of both networks.
    training : TrainingConfig
        Its ``loss`` is ignored.
    """

    method = "joint"

    def __init__(
        self,
        enrolment: Space,
        runtime: Space,
        *,
        reference: Side = "runtime",
        regularisation: float = 1.0,
        network: MlpConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        super().__init__(enrolment, runtime)
        if reference not in ("enrolment", "runtime"):
            raise ArgumentError(f"`reference` must be enrolment or runtime, got {reference!r}")
        self.reference: Side = reference
        self.regularisation = regularisation
        self.network = network or MlpConfig()
        self.training = training or TrainingConfig()
        self.mlps_: nn.ModuleDict | None = None

    @property
    def output(self) -> Space:
        """See :class:`Alignment`."""
        if not self.fitted:
            raise ArgumentError("`fit` must be called before `output` is known")
        dimension = getattr(self, self.reference).dimension
        return new_space(self.arrays(), dimension, "joint space")

    @property
    def fitted(self) -> bool:
        """See :class:`Alignment`."""
        return self.mlps_ is not None

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """See :class:`Alignment`."""
        assert self.mlps_ is not None
        return _arrays(self.mlps_)

    def restore(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """See :class:`Alignment`."""
        self.mlps_ = self._build()
        _restore(self.mlps_, arrays)

    def settings(self) -> dict[str, Any]:
        """See :class:`Alignment`."""
        return {
            "reference": self.reference,
            "regularisation": self.regularisation,
            "network": asdict(self.network),
            "training": asdict(self.training),
        }

    def _build(self) -> nn.ModuleDict:
        target = getattr(self, self.reference).dimension
        return nn.ModuleDict(
            {
                "enrolment": Mlp(self.enrolment.dimension, target, self.network),
                "runtime": Mlp(self.runtime.dimension, target, self.network),
            }
        )

    def _fit(self, pairs: Pairs) -> None:
        sides = {
            "enrolment": torch.from_numpy(pairs.enrolment),
            "runtime": torch.from_numpy(pairs.runtime),
        }
        speakers = _numbers(pairs)
        mlps, config = _seeded(self._build, self.training.seed), self.training
        names, reference = torch.from_numpy(speakers), sides[self.reference]

        def loss_of(batch: Tensor) -> Tensor:
            first, second = (mlps[side](rows[batch]) for side, rows in sides.items())
            near = reference[batch]
            distance = squared_error(first, near) + squared_error(second, near)
            contrast = contrastive_loss(first, second, names[batch], temperature=config.temperature)
            return contrast + self.regularisation * distance

        train(mlps, loss_of, speakers, config)
        self.mlps_ = mlps

    def _transform(self, rows: Rows, side: Side) -> Rows:
        assert self.mlps_ is not None
        return _run(self.mlps_[side], rows)


def _numbers(pairs: Pairs) -> NDArray[np.int64]:
    """Speaker of each pair; where they are unknown, one for each utterance."""
    if pairs.speakers is not None:
        return pairs.speakers
    return np.arange(len(pairs.enrolment), dtype=np.int64)


def _seeded(make: Callable[[], Network], seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


@torch.inference_mode()
def _run(network: nn.Module, rows: Rows) -> Rows:
    return np.asarray(network(torch.from_numpy(np.ascontiguousarray(rows))).numpy())


def _arrays(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def _restore(network: nn.Module, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    network.eval().requires_grad_(False)
