"""Command line ``diarspk``: data on stdout, messages on stderr, one module per command.

Exit status 0: success. 1: a file failed; one line on stderr says why, and the other files were
processed. 2: usage error; nothing was done. Others: see :mod:`diarspk.cli.process`.
"""

from __future__ import annotations

from diarspk.cli.application import app, main

__all__ = ["app", "main"]
