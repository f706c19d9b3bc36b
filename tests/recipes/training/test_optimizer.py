"""Muon and AdamW as one optimizer."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import distributed, multiprocessing

from recipes.training.optimizer import MuonAdamW, make_optimizer, split_parameters


def test_muon_steps_matrices_along_an_orthogonal_one_and_adamw_the_rest() -> None:
    torch.manual_seed(0)
    matrix, bias = torch.nn.Parameter(torch.randn(32, 16)), torch.nn.Parameter(torch.randn(16))
    alone = torch.nn.Parameter(bias.detach().clone())
    optimizer = MuonAdamW([matrix], [bias], lr=0.1, weight_decay=0.0)
    adamw = torch.optim.AdamW([alone], lr=0.1, weight_decay=0.0)
    before = matrix.detach().clone()
    slope = torch.randn(32, 16)
    for _ in range(3):
        matrix.grad, bias.grad, alone.grad = slope, bias.detach() ** 2, alone.detach() ** 2
        optimizer.step()
        adamw.step()
    # all singular values alike, and of the size that Moonlight gives: 0.2 sqrt(max(rows, columns))
    values = torch.linalg.svdvals(matrix.detach() - before) / (3 * 0.1 * 0.2 * 32**0.5)
    assert values.min() > 0.6 and values.max() < 1.3
    torch.testing.assert_close(bias, alone)


def test_both_optimizers_follow_one_rate_and_go_on_from_their_state() -> None:
    def run(steps: int, state: dict | None, start: torch.Tensor) -> tuple[torch.Tensor, dict]:
        weight = torch.nn.Parameter(start.clone())
        other = torch.nn.Parameter(start[0].clone())
        optimizer = MuonAdamW([weight], [other], lr=0.1, weight_decay=0.01)
        if state is not None:
            optimizer.load_state_dict(state)
        for _ in range(steps):
            (weight.square().sum() + other.square().sum() + (weight @ other).sum()).backward()
            optimizer.step()
            optimizer.zero_grad()
        return torch.cat([weight.detach(), other.detach()[None]]), optimizer.state_dict()

    torch.manual_seed(0)
    start = torch.randn(8, 4)
    whole, _ = run(4, None, start)
    half, state = run(2, None, start)
    weight, other = torch.nn.Parameter(half[:-1]), torch.nn.Parameter(half[-1])
    resumed = MuonAdamW([weight], [other], lr=0.1, weight_decay=0.01)
    resumed.load_state_dict(state)
    schedule = torch.optim.lr_scheduler.LambdaLR(resumed, lambda step: 1.0 if step < 2 else 0.0)
    for _ in range(4):
        (weight.square().sum() + other.square().sum() + (weight @ other).sum()).backward()
        resumed.step()
        resumed.zero_grad()
        schedule.step()
    torch.testing.assert_close(torch.cat([weight.detach(), other.detach()[None]]), whole)


SHAPES = ((6, 4), (3, 5), (8, 2))


def train_matrices(steps: int, state: dict | None, start: list[torch.Tensor]) -> MuonAdamW:
    """Steps whose gradients depend on the weights alone; the weights are in ``start`` then."""
    optimizer = MuonAdamW(start[:-1], start[-1:], lr=0.1, weight_decay=0.01)
    if state is not None:
        optimizer.load_state_dict(state)
    for _ in range(steps):
        for weight in start:
            weight.grad = weight.sin() + 0.1
        optimizer.step()
    return optimizer


def starting_weights() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in (*SHAPES, (4,))]


def train_in_a_process(rank: int, folder: Path) -> None:
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    weights = starting_weights()
    state = train_matrices(2, None, weights).state_dict()
    if rank == 0:
        torch.save(state, folder / "state.pt")
    distributed.barrier()
    train_matrices(2, torch.load(folder / "state.pt"), weights)
    torch.save(weights, folder / f"weights-{rank}.pt")
    distributed.destroy_process_group()


def test_processes_share_the_work_and_go_on_from_the_state_of_the_first(tmp_path: Path) -> None:
    weights = starting_weights()
    train_matrices(4, None, weights)
    multiprocessing.spawn(train_in_a_process, (tmp_path,), nprocs=2)
    for rank in range(2):
        found = torch.load(tmp_path / f"weights-{rank}.pt")
        torch.testing.assert_close(found, weights)
    alone = starting_weights()
    state = train_matrices(2, None, alone).state_dict()
    shared = torch.load(tmp_path / "state.pt")["parts"]
    for one, other in zip(state["parts"], shared, strict=True):
        torch.testing.assert_close(one["state"], other["state"])


def test_hidden_matrices_are_those_with_two_axes() -> None:
    module = torch.nn.Module()
    module.layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Conv1d(2, 2, 1))
    module.classify = torch.nn.Linear(3, 4)
    hidden, others = split_parameters(module, ("layers.",))
    assert [one.shape for one in hidden] == [(3, 2)]
    assert len(hidden) + len(others) == len(list(module.parameters()))
    for name, expected in (("muon", MuonAdamW), ("adamw", torch.optim.AdamW)):
        optimizer = make_optimizer(name, hidden, [{"params": others}], lr=0.1, weight_decay=0.0)
        assert type(optimizer) is expected
        held = [one for group in optimizer.param_groups for one in group["params"]]
        assert {id(one) for one in held} == {id(one) for one in module.parameters()}
