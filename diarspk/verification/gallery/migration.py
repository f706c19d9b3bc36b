"""Migration of a gallery to another encoder by an alignment, without the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diarspk.arguments import check_method
from diarspk.embeddings.space import require_same_space
from diarspk.verification.gallery.gallery import Gallery

if TYPE_CHECKING:
    from diarspk.verification.alignment.alignment import SpaceMap

__all__ = ["migrate"]


def migrate(gallery: Gallery, mapping: SpaceMap) -> None:
    """Map every reference into the space of another encoder, in one transaction.

    Readers see the old gallery until the commit and the new one after it; queries with the old
    fingerprint are then refused. The calibration and the index, which belong to the old space, are
    deleted.

    Parameters
    ----------
    gallery : Gallery
    mapping : SpaceMap
        See :meth:`diarspk.verification.alignment.Alignment.map_from`.

    Raises
    ------
    ModelError
        The map is from another space than the gallery's, or a speaker was enrolled or removed
        meanwhile; the gallery is unchanged.
    """
    check_method(mapping, "mapping", "transform", "a map of an alignment")
    space, entries = gallery.entries()
    require_same_space(space.fingerprint, mapping.source.fingerprint, f"{gallery.folder}")
    if not entries:
        gallery.replace_space(mapping.output, {})
        return
    mapped = mapping.transform(np.stack(list(entries.values())))
    gallery.replace_space(mapping.output, dict(zip(entries, mapped, strict=True)))
