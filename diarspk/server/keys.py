"""Keys that clients show; only their digests are held."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diarspk.errors import ArgumentError

__all__ = ["ENVIRONMENT", "KeyRing"]

ENVIRONMENT = "DIARSPK_API_KEYS"
"""Environment variable of keys, separated by commas or white space."""

MIN_LENGTH = 16


@dataclass(frozen=True)
class KeyRing:
    """Digests of keys, of which a client must show one.

    Attributes
    ----------
    digests : tuple of bytes
        SHA-256 of each key.
    """

    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, keys: Iterable[str]) -> KeyRing:
        """Take keys.

        Raises
        ------
        ArgumentError
            If one is shorter than 16 characters, or has others than printable ASCII.
        """
        found = []
        for number, key in enumerate(dict.fromkeys(keys), 1):
            if len(key) < MIN_LENGTH or not (key.isascii() and key.isprintable()) or " " in key:
                raise ArgumentError(
                    f"`keys` must be of {MIN_LENGTH} or more printable ASCII characters without a "
                    f"space, key {number} is not; make one with "
                    "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
                )
            found.append(_digest(key))
        return cls(tuple(found))

    @classmethod
    def read(cls, path: Path | None, environment: Mapping[str, str] = os.environ) -> KeyRing:
        """Read keys from a file, one in a line, and from :data:`ENVIRONMENT`.

        Empty lines of the file, and those that begin with ``#``, hold none.

        Raises
        ------
        ArgumentError
            If the file cannot be read or holds no key, or a key is too weak.
        """
        keys = environment.get(ENVIRONMENT, "").replace(",", " ").split()
        if path is not None:
            lines = [line.strip() for line in _read(path).splitlines()]
            of_file = [line for line in lines if line and not line.startswith("#")]
            if not of_file:
                raise ArgumentError(f"{path}: holds no key; write one in a line")
            keys += of_file
        return cls.of(keys)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def owner(self, header: str | None) -> str | None:
        """Find whose key an Authorization header shows.

        All digests are compared, each in constant time, so that the time tells nothing of a key.

        Returns
        -------
        str or None
            Name of the owner, by which jobs and uploads are kept apart: it begins the key's digest,
            and is empty where no keys are needed. None for a wrong key.
        """
        if not self.digests:
            return ""
        scheme, _, key = (header or "").partition(" ")
        shown = _digest(key.strip())
        matches = [hmac.compare_digest(shown, digest) for digest in self.digests]
        if scheme.lower() != "bearer" or not any(matches):
            return None
        return shown.hex()[:16]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ArgumentError(f"{path}: cannot be read ({reason}); check the file of keys") from None
