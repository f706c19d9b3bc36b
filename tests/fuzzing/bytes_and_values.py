"""Damage to files: bytes as disks and transfers change them, values of JSON as people do."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

__all__ = ["damaged", "damaged_json", "damaged_json_lines"]

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 10**400, 1e308, 0.5, "", "x", "1", "\u00e9" * 300, [], {}, [[]]),
    *([None], [1, 2, 3], {"a": 1}, float("nan"), float("inf"), -(2**70)),
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes that are cut, changed, repeated, left out, or zero for a while."""
    kind = rng.randrange(6)
    first = rng.randint(0, len(data))
    if rng.random() < 0.5:  # headers hold what a reader goes by
        first = rng.randint(0, min(len(data), 128))
    length = rng.choice((1, 1, 2, 4, 64, 4096))
    if kind == 0:
        return data[:first]
    if kind == 1:
        return data[:first] + data[first + length :]
    if kind == 2:
        return data[:first] + bytes(length) + data[first + length :]
    if kind == 3:
        return data[:first] + data[first : first + length] * 2 + data[first + length :]
    if kind == 4:
        return data[:first] + rng.randbytes(length) + data[first + length :]
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 8, 64))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def damaged_json(text: bytes, rng: random.Random) -> bytes:
    """JSON of which one value or key is another, or whose text is damaged."""
    if rng.random() < 0.2:
        return damaged(text, rng)
    document = copy.deepcopy(json.loads(text))
    places = [(document, key) for key in _keys(document)]
    for holder, key in places:
        value = holder[key]
        places.extend((value, inner) for inner in _keys(value))
    holder, key = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[f"{key}s"] = holder.pop(key)
    else:
        holder[key] = rng.choice(VALUES)
    return json.dumps(document).encode()


def damaged_json_lines(text: bytes, rng: random.Random) -> bytes:
    """JSON lines of which one is damaged, left out, repeated or moved."""
    lines = text.splitlines()
    line = lines.pop(rng.randrange(len(lines)))
    kind = rng.randrange(8)
    if kind == 0:
        return b"\n".join(lines)
    if kind == 1:
        lines.insert(rng.randint(0, len(lines)), line)
        return b"\n".join(lines)
    if kind == 2:
        return damaged(text, rng)
    place = text.splitlines().index(line)
    lines.insert(place, damaged_json(line, rng))
    return b"\n".join(lines)


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []
