"""The worker's end of :class:`eval.systems.worker_process.WorkerProcess`.

The first line that a worker writes holds the versions of its packages, once its models are
loaded; then one answer follows each request.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

__all__ = ["serve"]

Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""Request -> answer, both as JSON holds them."""


def serve(load: Callable[[], Handler], packages: Sequence[str]) -> None:
    """Load a system, then answer the requests on stdin until it ends.

    Parameters
    ----------
    load
        Loads the models; what it returns answers requests.
    packages
        Whose versions are told.
    """
    # What libraries print must not come between the answers: from here on it goes to stderr.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(document: dict[str, Any]) -> None:
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    handle = load()
    answer({"versions": {package: metadata.version(package) for package in packages}})
    for line in sys.stdin:
        request = json.loads(line)
        _set_seeds(request.pop("seed", 0))
        try:
            found = handle(request)
        except Exception as error:  # told to whoever asked; the next request may fare better
            found = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        answer(found)


def _set_seeds(seed: int) -> None:
    random.seed(seed)
    for module, name in (("numpy.random", "seed"), ("torch", "manual_seed")):
        if module in sys.modules:  # only what the system itself has imported
            getattr(sys.modules[module], name)(seed)
