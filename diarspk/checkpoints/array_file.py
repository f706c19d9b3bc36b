"""Files of named arrays (``.npz``), read whole or refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from diarspk.errors import FormatError

__all__ = ["read_arrays"]


def read_arrays(path: str | os.PathLike[str], kind: str, remedy: str) -> dict[str, NDArray[Any]]:
    """Read every array of an ``.npz`` file; nothing in it is executed.

    Parameters
    ----------
    path : path
    kind, remedy : str
        What the file is to hold, and what to do where it does not, for the error.

    Raises
    ------
    FormatError
        If the file is missing, damaged, or another.
    """
    name = os.fsdecode(path)
    try:
        # Opened here, since numpy leaves a damaged file open.
        with Path(name).open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if not isinstance(stored, NpzFile):
                raise ValueError("one array, without names")
            return dict(stored)
    # zipfile and numpy raise a dozen others for bytes that are not as they should be.
    except Exception as error:
        fault = " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]
        told = fault or type(error).__name__
        raise FormatError(f"not {kind} ({told}); {remedy}", name) from error
