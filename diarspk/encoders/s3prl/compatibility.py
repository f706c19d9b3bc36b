"""Import of S3PRL 0.4.18 with torchaudio 2.9 and later.

On import S3PRL calls ``torchaudio.set_audio_backend`` and imports two functions from
``torchaudio.sox_effects``; torchaudio 2.9 has removed both. No speaker encoder needs them. They are
provided during the import alone, so that no other package sees them.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from types import ModuleType
from typing import Any

from diarspk.errors import ModelError

__all__ = ["import_s3prl"]

SOX_NAMES = ("apply_effects_tensor", "apply_effects_file")


def import_s3prl() -> Any:
    """Import ``s3prl.nn``, whatever the version of torchaudio.

    Raises
    ------
    ModelError
        If s3prl or torchaudio is not installed, or they do not fit each other.
    """
    try:
        import torchaudio
    except ImportError as error:
        raise ModelError("torchaudio is not installed: pip install 'diarspk[s3prl]'") from error
    # It tells on stderr which of its own optional parts are not installed.
    silent = redirect_stderr(io.StringIO())
    with _removed_names(torchaudio), warnings.catch_warnings(), silent:
        warnings.simplefilter("ignore")
        try:
            import s3prl.nn
        except ImportError as error:
            raise ModelError(
                f"s3prl cannot be imported ({error}): pip install 'diarspk[s3prl]'"
            ) from error
    return s3prl.nn


@contextmanager
def _removed_names(torchaudio: ModuleType) -> Iterator[None]:
    """Provide the removed names inside of the ``with``."""
    added = []
    if not hasattr(torchaudio, "set_audio_backend"):
        torchaudio.set_audio_backend = lambda backend: None  # type: ignore[attr-defined]
        added.append("set_audio_backend")
    sox = "torchaudio.sox_effects"
    if not hasattr(torchaudio, "sox_effects"):
        module = ModuleType(sox)
        for name in SOX_NAMES:
            setattr(module, name, _refuse)
        sys.modules[sox] = torchaudio.sox_effects = module  # type: ignore[attr-defined]
        added.append("sox_effects")
    try:
        yield
    finally:
        for name in added:
            delattr(torchaudio, name)
        if "sox_effects" in added:
            del sys.modules[sox]


def _refuse(*arguments: object) -> None:
    raise ModelError(
        "sox effects left torchaudio in 2.9; this upstream of s3prl needs an older one"
    )
