"""Arguments that nobody should pass, and what a public function makes of them.

A walk passes each of :data:`ODD` for every argument in turn: the call may work, or refuse it with
an error of the package, and nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diarspk.errors import DiarspkError

__all__ = ["ODD", "Call", "raw_errors"]

NAN, INFINITY = float("nan"), float("inf")
ODD = {
    "None": None,
    "True": True,
    "-1": -1,
    "0": 0,
    "0.5": 0.5,
    "NaN": NAN,
    "infinity": INFINITY,
    "-infinity": -INFINITY,
    "1e308": 1e308,
    "10 ** 30": 10**30,
    "1j": 1j,
    "''": "",
    "'x'": "x",
    "a null character": "a\0b",
    "b'x'": b"x",
    "[]": [],
    "()": (),
    "{}": {},
    "[None]": [None],
    "['x']": ["x"],
    "{1: 2}": {1: 2},
    "{'x': None}": {"x": None},
    "a ragged list": [[1.0, 2.0], [3.0]],
    "NaN in a list": [[NAN, 1.0], [1.0, 2.0]],
    "an empty array": np.zeros(0),
    "an array of three axes": np.zeros((2, 3, 4)),
    "an array of texts": np.array(["x", "y"]),
    "an array of NaN": np.full(16000, np.nan),
    "an array of 1e300": np.full(16000, 1e300),
    "an object": object(),
    "a function": len,
    "a class": dict,
    "a folder": Path(),
    "a text file": io.StringIO("x"),
    "a binary file": io.BytesIO(b"x"),
}

Call = tuple[Callable[..., object], Mapping[str, Any]]
"""A function, and arguments by name that are right."""


def raw_errors(call: Call, *, works: bool = True) -> list[str]:
    """Errors of other kinds than the package's, for each argument that is odd in turn.

    Parameters
    ----------
    works : bool, default True
        Call it with all arguments right first.
    """
    function, right = call
    if works:
        function(**right)
    raw = []
    for argument in right:
        for odd, value in ODD.items():
            if isinstance(value, io.IOBase):
                value.seek(0)
            try:
                function(**{**right, argument: value})
            except (DiarspkError, OSError):
                pass
            except Exception as error:
                raw.append(f"{argument}={odd}: {type(error).__name__}: {error}"[:150])
    return raw
