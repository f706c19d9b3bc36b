"""Presets: diarizers by name, put together of embedded and downloaded parts by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diarspk.catalogue.fetching import is_downloaded
from diarspk.checkpoints.assets import EMBEDDED
from diarspk.errors import ModelError

__all__ = ["EMBEDDED", "PRESETS", "Preset", "find_preset", "with_parts"]


@dataclass(frozen=True)
class Preset:
    """Parts of a diarizer; the others are embedded.

    Attributes
    ----------
    name : str
    encoder : str
        Model of the catalogue that tells people apart.
    share : float, optional
        Weight of its cosine beside that of the embedded encoder, with which it is fused (see
        :class:`diarspk.encoders.FusedEncoder`). Default: it is alone.
    segmentation : str, optional
        Model of the catalogue that finds the local speakers. Default: the embedded head.
    """

    name: str
    encoder: str
    share: float | None = None
    segmentation: str | None = None

    @property
    def parts(self) -> list[str]:
        """Models of the catalogue that it needs."""
        return [part for part in (self.encoder, self.segmentation) if part is not None]

    def check_downloaded(self) -> None:
        """Refuse a preset of which a part is not here.

        Raises
        ------
        ModelError
            With the command that brings what is missing.
        """
        missing = [part for part in self.parts if not is_downloaded(part)]
        if missing:
            raise ModelError(
                f"{self.name}: needs {' and '.join(missing)}, which must be downloaded once: "
                f"diarspk models download {self.name}"
            )


PRESETS = {preset.name: preset for preset in (Preset("accurate", "3dspeaker-campplus", 0.5),)}
"""Presets by name, beside :data:`EMBEDDED`, which needs nothing."""


def find_preset(name: object) -> Preset | None:
    """Find the preset of a name; None where there is none."""
    return PRESETS.get(name) if isinstance(name, str) else None


def with_parts(names: Sequence[str]) -> list[str]:
    """Names of models in which those of presets are replaced by their parts."""
    found = [find_preset(name) for name in names]
    lists = [
        [name] if preset is None else preset.parts
        for name, preset in zip(names, found, strict=True)
    ]
    return list(dict.fromkeys(part for parts in lists for part in parts))
