"""A worker script that runs in an environment of its own and answers requests.

Requests and answers are JSON, one a line, on stdin and stdout of the worker; arrays lie in files.
See :mod:`eval.systems.workers.serving` for the other end.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from eval.systems.environments import (
    PeerError,
    isolated_variables,
    make_environment,
    python_of,
)

__all__ = ["WorkerProcess"]

ROOT = Path(__file__).parents[2]
WORKERS = "eval.systems.workers"


class WorkerProcess:
    """A worker that has loaded its models and waits for requests.

    Parameters
    ----------
    worker
        Module of :mod:`eval.systems.workers`.
    environment
        Name of the environment it runs in, made where it is missing.

    Raises
    ------
    PeerError
        If the environment cannot be made, or the worker cannot load its models.
    """

    def __init__(self, worker: str, environment: str) -> None:
        self.worker = worker
        folder = make_environment(environment)
        self._talk = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the worker)
        self._process = subprocess.Popen(
            [str(python_of(folder)), "-m", f"{WORKERS}.{worker}"],
            cwd=ROOT,
            env=isolated_variables(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._talk,
            text=True,
            encoding="utf-8",
        )
        # Reaped also when the object is forgotten or the interpreter ends.
        self.close = weakref.finalize(self, _stop, self._process, self._talk)
        self.versions: dict[str, str] = self._read()["versions"]

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises
        ------
        PeerError
            If the worker could not do it, or has ended.
        """
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended: reading says why
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(
                f"{self.worker} ended with status {self._process.wait()}: {self._last()}"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.worker} failed: {answer['error']}")
        return answer

    def _last(self) -> str:
        """Last line that the worker said on stderr."""
        self._talk.seek(0)
        lines = self._talk.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _stop(process: subprocess.Popen[str], talk: IO[bytes]) -> None:
    """End a worker: it stops at the end of its input."""
    for pipe in (process.stdin, process.stdout):
        # An error on closing: requests that one which has ended never read.
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()
    talk.close()
