"""The ``diarspk`` command: stdout is data, stderr is talk, and exit codes mean something.

Exit status 0: done. 1: a file failed; one line on stderr says why, and the other files were done.
2: the command line itself is at fault, and nothing was done.
"""

from __future__ import annotations

from diarspk.cli.application import app, main

__all__ = ["app", "main"]
