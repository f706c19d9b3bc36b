"""Workers of a Ray cluster, and rows of a table that they work on."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from diarspk.arguments import check_number
from diarspk.errors import ModelError

if TYPE_CHECKING:
    from ray.data import Dataset

__all__ = ["LOCAL", "Row", "Workers", "map_dataset", "map_rows", "start_ray"]

LOCAL = "local"
"""Address that stands for this machine."""

ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Variables of Ray, where the caller has not set them: no usage statistics, no log on stderr."""

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True)
class Workers:
    """Workers to run on, and where.

    Attributes
    ----------
    count : int
        Number of workers, each with models of its own.
    cpus : float
        Cores of each; PyTorch gets as many threads.
    gpus : float
        GPUs of each; a part of one lets several workers share it.
    address : str
        "local" for this machine, "auto" for the cluster that this machine belongs to, or the
        address of one, such as ``ray://head:10001``. Where Ray is running in this process already,
        that is used.
    """

    count: int = 1
    cpus: float = 1.0
    gpus: float = 0.0
    address: str = LOCAL

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_number(self.count, "count", minimum=1)
        check_number(self.cpus, "cpus", minimum=0.0)
        check_number(self.gpus, "gpus", minimum=0.0)


def map_rows(
    rows: Iterable[Mapping[str, Any]], make: Callable[[], Callable[[Row], Row]], workers: Workers
) -> Dataset:
    """Map rows by what `make` returns on each worker; it is called once there.

    Raises
    ------
    ModelError
        If Ray is not installed, or the address leads to no cluster.
    """
    ray = start_ray(workers)
    # Many small blocks: a worker that dies costs the recording that it was at.
    items = list(rows)
    dataset = ray.data.from_items(items, override_num_blocks=len(items))
    return map_dataset(ray, dataset, make, workers)


def map_dataset(
    ray: Any, dataset: Dataset, make: Callable[[], Callable[[Row], Row]], workers: Workers
) -> Dataset:
    """Map the rows of a dataset likewise, by Ray as :func:`start_ray` returns it."""
    actor: Any = _Actor  # Ray takes a class where its types want a function
    return dataset.map(
        actor,
        fn_constructor_args=(make, workers.cpus),
        compute=ray.data.ActorPoolStrategy(size=workers.count),
        num_cpus=workers.cpus,
        num_gpus=workers.gpus or None,
    )


def start_ray(workers: Workers) -> Any:
    """Connect to the cluster, or start one of this machine; returns the package.

    Raises
    ------
    ModelError
        If Ray is not installed, or the address leads to no cluster.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        raise ModelError("Ray is not installed; pip install 'diarspk[ray]'") from None
    if not ray.is_initialized():
        local: dict[str, Any] = {}
        if workers.address == LOCAL:
            # As many cores as the workers ask for, or Ray would wait for them for ever.
            cores = max(math.ceil(workers.count * workers.cpus) + 1, os.cpu_count() or 1)
            local = {"num_cpus": cores, "include_dashboard": False}
        try:
            ray.init(
                address=None if workers.address == LOCAL else workers.address,
                logging_level=logging.ERROR,
                log_to_driver=False,
                **local,
            )
        except (ConnectionError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"{workers.address}: no Ray cluster there ({reason}); check the address, or give "
                "'local'"
            ) from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.enable_progress_bars and sys.stderr.isatty()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray


class _Actor:
    """What runs on a worker."""

    def __init__(self, make: Callable[[], Callable[[Row], Row]], cpus: float) -> None:
        import torch

        torch.set_num_threads(max(int(cpus), 1))
        self.process = make()

    def __call__(self, row: Row) -> Row:
        return self.process(row)
