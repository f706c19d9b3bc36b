"""Calls of commands in this process."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


def call(module: ModuleType, *arguments: object) -> None:
    """Run the command of a module with its arguments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
        module.main()
