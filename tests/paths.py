"""Folders that tests read: the checkout, and the data beside it where there are any."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
