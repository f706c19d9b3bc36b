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


def read_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read every array of an ``.npz`` file; nothing in it is executed.

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
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror or error}); check it", name) from error
    # zipfile and numpy raise a dozen others for bytes that are not as they should be.
    except Exception as error:
        fault = " ".join(str(error).split())[:200] or type(error).__name__
        raise FormatError(f"not a file of arrays ({fault}); is it cut off?", name) from error
