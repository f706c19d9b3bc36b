"""Speaker embeddings as vectors, whichever encoder they are from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.embeddings.profile import (
        SpeakerProfile,
        build_profile,
    )
    from diarspk.embeddings.reduction import (
        AutoEncoder,
        Prefix,
        PrincipalComponents,
        Projection,
        Reduction,
        check_dimension,
        project,
    )
    from diarspk.embeddings.space import (
        Space,
        require_same_space,
    )
    from diarspk.embeddings.unit_vectors import (
        assign,
        centroids,
        normalize_in_place,
        normalize_or_first_axis,
        normalize_rows,
        unit_rows,
        unit_vector,
    )

__all__ = [
    "AutoEncoder",
    "Prefix",
    "PrincipalComponents",
    "Projection",
    "Reduction",
    "Space",
    "SpeakerProfile",
    "assign",
    "build_profile",
    "centroids",
    "check_dimension",
    "normalize_in_place",
    "normalize_or_first_axis",
    "normalize_rows",
    "project",
    "require_same_space",
    "unit_rows",
    "unit_vector",
]

_HOMES = {
    "AutoEncoder": "diarspk.embeddings.reduction",
    "Prefix": "diarspk.embeddings.reduction",
    "PrincipalComponents": "diarspk.embeddings.reduction",
    "Projection": "diarspk.embeddings.reduction",
    "Reduction": "diarspk.embeddings.reduction",
    "Space": "diarspk.embeddings.space",
    "SpeakerProfile": "diarspk.embeddings.profile",
    "assign": "diarspk.embeddings.unit_vectors",
    "build_profile": "diarspk.embeddings.profile",
    "centroids": "diarspk.embeddings.unit_vectors",
    "check_dimension": "diarspk.embeddings.reduction",
    "normalize_in_place": "diarspk.embeddings.unit_vectors",
    "normalize_or_first_axis": "diarspk.embeddings.unit_vectors",
    "normalize_rows": "diarspk.embeddings.unit_vectors",
    "project": "diarspk.embeddings.reduction",
    "require_same_space": "diarspk.embeddings.space",
    "unit_rows": "diarspk.embeddings.unit_vectors",
    "unit_vector": "diarspk.embeddings.unit_vectors",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
