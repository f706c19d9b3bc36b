"""The encoders of a study that needs no file beyond this repository and its data."""

from __future__ import annotations

from collections.abc import Sequence

from eval.correlation.specification import EncoderSpecification
from eval.systems.generations import FIFTH, SIXTH

__all__ = ["DEFAULT_ENCODERS", "ZOO", "zoo_encoders"]

EMBEDDED = "embedded"
"""Each generation went on from the one before, so that all are one origin."""

ZOO = tuple(
    f"{architecture}/{steps}"
    for architecture in ("x-vector", "ecapa-c512", "resnet18", "redimnet-b0")
    for steps in (30, 100, 300)
)
"""Networks of ``recipes.zoo`` and the steps they are trained for."""


def zoo_encoders(networks: Sequence[str]) -> tuple[EncoderSpecification, ...]:
    """Declare ``ARCHITECTURE/STEPS``: each architecture is an origin, each budget an encoder."""
    return tuple(
        EncoderSpecification(
            f"{one.replace('/', ', ')} steps", "zoo", one, origin=one.partition("/")[0]
        )
        for one in networks
    )


def _embedded(name: str, **options: str) -> tuple[EncoderSpecification, ...]:
    """Declare an embedded encoder, and the prefixes of its nested embeddings."""
    return tuple(
        EncoderSpecification(
            f"{name}-{prefix or 192}",
            origin=EMBEDDED,
            prefix=prefix,
            **options,  # type: ignore[arg-type]
        )
        for prefix in (None, 64, 20)
    )


DEFAULT_ENCODERS: tuple[EncoderSpecification, ...] = (
    *_embedded("embedded"),
    *_embedded("embedded 6", kind="generation", source=SIXTH),
    *_embedded("embedded 5", kind="generation", source=FIFTH),
    EncoderSpecification("3D-Speaker CAM++", source="3dspeaker-campplus"),
    # Half of its cosine is the embedded encoder's: closest to CAM++, of which it is the other half.
    EncoderSpecification("accurate", "preset", "accurate", origin="3dspeaker-campplus"),
    EncoderSpecification("resemblyzer", source="resemblyzer"),
    EncoderSpecification("mfcc statistics", "statistics", "mfcc", origin="cepstra"),
    EncoderSpecification("log-mel statistics", "statistics", "log-mel", origin="mel spectrum"),
    EncoderSpecification("fbank statistics", "statistics", "s3prl:fbank", origin="mel spectrum"),
    EncoderSpecification("random weights", "random", "", seed=1),
    *zoo_encoders(ZOO),
    EncoderSpecification("embedded to 8", origin=EMBEDDED, projection=8),
    EncoderSpecification("embedded, jitter 1", origin=EMBEDDED, jitter=1.0),
    EncoderSpecification("CAM++ to 16", source="3dspeaker-campplus", projection=16),
    EncoderSpecification("CAM++, jitter 1", source="3dspeaker-campplus", jitter=1.0),
    EncoderSpecification("resemblyzer to 16", source="resemblyzer", projection=16),
)
"""What is not here is left out: CAM++ that was not downloaded, Resemblyzer without its environment,
S3PRL that is not installed, generations where the checkout has no history."""
