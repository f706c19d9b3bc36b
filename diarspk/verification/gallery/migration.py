"""Moving a gallery to another encoder without the recordings, through an alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diarspk.embeddings.space import require_same_space
from diarspk.verification.gallery.gallery import Gallery

if TYPE_CHECKING:
    from diarspk.verification.alignment.alignment import SpaceMap

__all__ = ["migrate"]


def migrate(gallery: Gallery, mapping: SpaceMap) -> None:
    """Map every reference into the space of another encoder, in one change.

    The map is one of :meth:`diarspk.verification.alignment.Alignment.map_from`.

    Readers see the old gallery until the change is committed and the new one after it; who still
    asks by the old fingerprint is refused. The calibration and the index go, since both belong
    to the old space.

    Raises
    ------
    ModelError
        If the map begins in another space than the gallery's, or somebody enrolled or
        removed a speaker meanwhile; the gallery is as it was then.
    """
    space, entries = gallery.entries()
    require_same_space(space.fingerprint, mapping.source.fingerprint, f"{gallery.folder}")
    if not entries:
        gallery.replace_space(mapping.output, {})
        return
    mapped = mapping.transform(np.stack(list(entries.values())))
    gallery.replace_space(mapping.output, dict(zip(entries, mapped, strict=True)))
