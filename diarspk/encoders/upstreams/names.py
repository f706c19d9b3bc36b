"""Names of front ends: ``wavlm_local=FILE``, ``s3prl:NAME``, ``hf:OWNER/NAME@COMMIT``."""

from __future__ import annotations

from dataclasses import replace

from diarspk.catalogue.repositories import PREFIX as HUB
from diarspk.encoders.s3prl.upstream import UpstreamConfig
from diarspk.errors import ArgumentError

__all__ = ["HUB", "parse_upstream"]

S3PRL = "s3prl:"


def parse_upstream(
    name: str,
    *,
    layer: int | None = None,
    normalize: bool = False,
    centred: bool = False,
    tuned: bool = False,
) -> UpstreamConfig:
    """Read the name of a front end.

    Parameters
    ----------
    name
        One of

        - ``s3prl:NAME``, such as ``s3prl:fbank``; ``s3prl:NAME=FILE`` for a checkpoint of an
          upstream whose name ends in ``_local`` or ``_custom``. For those, and for what needs no
          weights, the prefix may be left out: ``wavlm_local=wavlm_large.pt``;
        - ``hf:OWNER/NAME@COMMIT``, a network of transformers on the Hugging Face hub, or
          ``hf:FOLDER``, one that ``save_pretrained`` has written.
    layer, normalize, centred, tuned
        See :class:`diarspk.encoders.s3prl.UpstreamConfig`.

    Raises
    ------
    ArgumentError
        If the name is empty.
    """
    config = UpstreamConfig(name, layer=layer, normalize=normalize, centred=centred, tuned=tuned)
    if name.startswith(HUB) and name != HUB:
        return config
    upstream, equals, path = name.removeprefix(S3PRL).partition("=")
    if name == HUB or not upstream or (equals and not path):
        raise ArgumentError(
            f"`front_end` must be s3prl:NAME, NAME_local=FILE or hf:OWNER/NAME@COMMIT, got {name!r}"
        )
    return replace(config, name=upstream, path=path if equals else None)
