"""The trainer that recipes share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

lightning = pytest.importorskip("lightning")

from recipes.training.trainer import make_trainer, schedule_rate  # noqa: E402


class Descent(lightning.LightningModule):
    """One number that each step moves by the step's item: 1, 2, 3, ..."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1))
        self.validated: list[float] = []

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        return (batch * self.place).sum()

    def validation_step(self, batch: Tensor, index: int) -> None:
        self.validated.append(float(self.place.detach()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


# Lightning's own: of its validation loaders, logging interval, workers and resumed epochs.
@pytest.mark.filterwarnings("ignore")
def test_a_running_mean_of_the_weights_is_validated_and_kept(tmp_path: Path) -> None:
    def fit(steps: int, items: list[float], **options: Any) -> tuple[Descent, dict[str, Any]]:
        training = Descent()
        folder = tmp_path / f"{steps}-{len(items)}-{len(options)}"
        trainer = make_trainer(folder, steps=steps, clip=1e9, save_every=2, validate_every=2,
                               average=options.pop("average", None))  # fmt: skip
        data = [torch.tensor([item]) for item in items]
        loaders = [DataLoader(part, batch_size=None) for part in (data, [torch.zeros(1)])]
        trainer.fit(training, *loaders, **options)
        return training, torch.load(folder / "last.ckpt", weights_only=True)

    plain, stored = fit(4, [1.0, 2.0, 3.0, 4.0])
    assert plain.place.item() == stored["state_dict"]["place"].item() == -10
    assert plain.validated == [-3, -10]

    # weights after the steps: -1, -3, -6, -10; means with a decay of a half: -1, -2, -4, -7
    mean, stored = fit(4, [1.0, 2.0, 3.0, 4.0], average=0.5)
    assert mean.validated == [-2, -7]
    assert mean.place.item() == stored["state_dict"]["place"].item() == -7
    assert stored["current_model_state"]["place"].item() == -10

    fit(2, [1.0, 2.0], average=0.5)
    resumed, _ = fit(4, [3.0, 4.0], average=0.5, ckpt_path=tmp_path / "2-2-1" / "last.ckpt")
    assert resumed.validated == [-7] and resumed.place.item() == -7


def test_a_constant_rate_falls_in_the_last_steps() -> None:
    def rates(steps: int, decay_steps: int | None) -> list[float]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
        scheduled = schedule_rate(optimizer, steps=steps, warmup_steps=4, decay_steps=decay_steps)
        found = []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduled["lr_scheduler"]["scheduler"].step()  # type: ignore[index, union-attr]
        return found

    falling = rates(20, 8)
    assert falling[:4] == [0.5, 1.0, 1.5, 2.0]
    assert falling[4:13] == [2.0] * 9
    assert falling[13:] == pytest.approx([2 * left / 8 for left in range(7, 0, -1)])
    assert rates(40, 8)[:13] == falling[:13]  # any step of the constant part may be gone on from
    assert rates(20, None)[10] == pytest.approx(2 * (0.01 + 0.99 / 2))
