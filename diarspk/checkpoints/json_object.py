"""Optional JSON files beside a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["read_object"]


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where the file is missing, damaged, or holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
