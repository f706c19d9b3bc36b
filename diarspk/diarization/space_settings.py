"""Settings of clustering that belong to one embedding space, with those of the embedded encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from diarspk.atomic import atomic_path
from diarspk.checkpoints.assets import find_asset
from diarspk.clustering.plda_clusterer import PldaClustererSettings
from diarspk.clustering.variational import VBxSettings
from diarspk.errors import ModelError

__all__ = ["SUBSEGMENT_VBX", "SpaceSettings", "load_space_settings", "write_space_settings"]

SUBSEGMENT_VBX = VBxSettings(0.4, 11.0, 0.9, iterations=12, growth=1 / 3)
"""Settings of VBx on subsegments of 1.5 s, 0.48 s apart, with the embedded PLDA."""

FOLDER = "clustering"
NESTED = ("vbx", "session")


@dataclass(frozen=True)
class SpaceSettings:
    """Settings of clustering in one embedding space.

    Attributes
    ----------
    threshold : float
        Cosine distance up to which clusters of local speakers merge.
    known_similarity, same_voice_margin : float
        See :class:`diarspk.diarization.LinkingConfig`.
    vbx : VBxSettings
        For few subsegments.
    start : float
        Threshold of the agglomerative clusterer that initialises VBx.
    centring : float
        Share of the mean embedding that is subtracted before VBx.
    max_vbx_subsegments : int
        Maximum number of subsegments that VBx clusters.
    session : PldaClustererSettings
        For more of them.
    """

    threshold: float = 0.6
    known_similarity: float = 0.4
    same_voice_margin: float | None = None
    vbx: VBxSettings = SUBSEGMENT_VBX
    start: float = 0.8
    centring: float = 0.5
    max_vbx_subsegments: int = 80
    session: PldaClustererSettings = field(default_factory=PldaClustererSettings)


def load_space_settings(fingerprint: str) -> SpaceSettings:
    """Load what ``python -m recipes.adopt`` has written for a space; else the defaults.

    Raises
    ------
    ModelError
        If the file holds something else.
    """
    path = find_asset(FOLDER, fingerprint)
    if path is None:
        return SpaceSettings()
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{path}: no settings of clustering ({error}); run python -m recipes.adopt again"
        ) from error


def write_space_settings(
    folder: Path, fingerprint: str, settings: SpaceSettings, card: Mapping[str, object]
) -> Path:
    """Write settings into a folder of assets, beside facts about how they were fitted."""
    path = folder / FOLDER / f"{fingerprint}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = {**asdict(settings), **{name: _changed(getattr(settings, name)) for name in NESTED}}
    content = json.dumps({"settings": chosen, **card}, indent=2) + "\n"
    with atomic_path(path) as part:
        part.write_text(content, encoding="utf-8")
    return path


def _changed(settings: Any) -> dict[str, Any]:
    """Fields that differ from those of the embedded encoder: the others follow its defaults."""
    usual = asdict(SUBSEGMENT_VBX if isinstance(settings, VBxSettings) else type(settings)())
    return {name: value for name, value in asdict(settings).items() if value != usual[name]}


def _parse(stored: Mapping[str, Any]) -> SpaceSettings:
    plain = dict(stored)
    vbx = replace(SUBSEGMENT_VBX, **plain.pop("vbx"))
    session = PldaClustererSettings(**plain.pop("session"))
    return SpaceSettings(vbx=vbx, session=session, **plain)
