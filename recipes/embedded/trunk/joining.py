"""Begin a training where its teacher is: axes of embeddings, map to frames, classes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from diarspk.encoders.local.network import Whitening
from recipes.embedded.trunk.training import Batch, EncoderTraining

__all__ = ["fit_teacher_frames", "initialize_classes", "join_teacher"]

RIDGE = 1e-4
"""Ridge of the map to the teacher's frames, of the mean power of what it reads."""


@torch.no_grad()
def join_teacher(training: EncoderTraining, batches: Iterable[dict[str, Batch]]) -> None:
    """Drop the whitening, turn embeddings to the teacher's axes, take its mean off both.

    The axes depend on the speech that the teacher has embedded, so a network that begins with
    the weights of another run may have others: the nearest rotation between its embeddings of
    the batches' crops and the teacher's (orthogonal Procrustes) becomes a part of its last map.
    """
    head = training.network.utterance
    head.whitening = Whitening(training.network.config.dimension, head.mels)
    training.network.eval()
    embedded = [
        (training.embed_crops(batch["crops"])[0], batch["crops"]["row"]) for batch in batches
    ]
    training.network.train()
    embeddings = nn.functional.normalize(torch.cat([vectors for vectors, _ in embedded]), dim=-1)
    target = training.teacher[torch.cat([row for _, row in embedded])]
    left, _, right = torch.linalg.svd(embeddings.double().T @ target.double())
    turn = (left @ right).to(embeddings)
    head.affine.weight.copy_(turn.T @ head.affine.weight)
    head.affine.bias.copy_(turn.T @ head.affine.bias)
    mean = training.teacher[training.teacher.isfinite().all(1)].mean(0)
    head.whitening.mean[: len(mean)].copy_(mean)


@torch.no_grad()
def fit_teacher_frames(training: EncoderTraining, batches: Iterable[dict[str, Batch]]) -> None:
    """Begin the map to the teacher's frames at least squares over the trunk as it is.

    A map that begins anew would pull at what the trunk has learned until it fits.
    """
    if training.mimic is None:
        return
    width = training.mimic.in_features + 1  # and the bias
    squares = torch.zeros(width, width, dtype=torch.double)
    products = torch.zeros(width, training.mimic.out_features, dtype=torch.double)
    training.network.eval()
    for batch in batches:
        crops = batch["crops"]
        target = crops["teacher_frames"].double().flatten(0, 1)
        _, frames = training.embed_crops(crops)
        frames = frames[..., : training.mimic.in_features].double().flatten(0, 1)
        known = target.any(-1)
        inputs = nn.functional.pad(frames[known], (0, 1), value=1.0)
        squares += inputs.T @ inputs
        products += inputs.T @ target[known]
    training.network.train()
    ridge = RIDGE * squares.diagonal().mean() * torch.eye(width, dtype=torch.double)
    solution = torch.linalg.solve(squares + ridge, products).to(training.mimic.weight)
    training.mimic.weight.copy_(solution[:-1].T)
    training.mimic.bias.copy_(solution[-1])


@torch.no_grad()
def initialize_classes(training: EncoderTraining, labels: Tensor) -> None:
    """Begin each class at the mean of the teacher's vectors of its rows.

    ``labels (rows,)`` are classes of the pool's rows, -1 for none.
    """
    known = labels >= 0
    target = nn.functional.normalize(training.target(known.nonzero()[:, 0]), dim=-1)
    sums = torch.zeros_like(training.criterion.weight).index_add_(0, labels[known], target)
    present = sums.any(-1)
    training.criterion.weight[present] = nn.functional.normalize(sums[present], dim=-1)
