"""Calls of commands in this process."""

from __future__ import annotations

from types import ModuleType


def call(module: ModuleType, *arguments: object) -> None:
    """Run the command of a module with its arguments."""
    assert module.main([*map(str, arguments)]) == 0
