"""Speaker embeddings as vectors, whoever made them: spaces, unit vectors, reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.embeddings.autoencoder import AutoEncoder
    from diarspk.embeddings.profile import SpeakerProfile, build_profile
    from diarspk.embeddings.projection import Projection, project
    from diarspk.embeddings.reduction import Prefix, PrincipalComponents, Reduction, check_dimension
    from diarspk.embeddings.space import Space, require_same_space
    from diarspk.embeddings.unit_vectors import unit_rows

__all__ = [
    "AutoEncoder",
    "Prefix",
    "PrincipalComponents",
    "Projection",
    "Reduction",
    "Space",
    "SpeakerProfile",
    "build_profile",
    "check_dimension",
    "project",
    "require_same_space",
    "unit_rows",
]

_HOMES = {
    "AutoEncoder": "diarspk.embeddings.autoencoder",
    "Prefix": "diarspk.embeddings.reduction",
    "PrincipalComponents": "diarspk.embeddings.reduction",
    "Projection": "diarspk.embeddings.projection",
    "Reduction": "diarspk.embeddings.reduction",
    "Space": "diarspk.embeddings.space",
    "SpeakerProfile": "diarspk.embeddings.profile",
    "build_profile": "diarspk.embeddings.profile",
    "check_dimension": "diarspk.embeddings.reduction",
    "project": "diarspk.embeddings.projection",
    "require_same_space": "diarspk.embeddings.space",
    "unit_rows": "diarspk.embeddings.unit_vectors",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
