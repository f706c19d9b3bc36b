"""Command line ``diarspk``: data on stdout, messages on stderr, one module per command.

Exit status 0: success. 1: a file failed; one line on stderr says why, and the other files were
processed. 2: usage error; nothing was done. Others: see :mod:`diarspk.cli.process`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cli.application import app

__all__ = ["app", "main"]

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended, as a shell tells it of others (SIGINT)."""

__getattr__, __dir__ = lazy_names(__name__, {"app": "diarspk.cli.application"}, "main")


def main() -> None:
    """Run the command line; the console script that the package installs as ``diarspk``."""
    try:
        from diarspk.cli.application import main as run

        run()
    except KeyboardInterrupt:  # while modules are imported, when no command can answer it
        sys.exit(INTERRUPTED)
