"""Speaker encoders of a cue by name, as recipes and the cards of extractors write them.

===========================  =======================================================================
``NAME``, ``PATH``           what :func:`diarspk.load_encoder` loads: a model of the catalogue, the
                             card of a checkpoint, a checkpoint of another project
``s3prl:NAME``               front end of S3PRL; ``s3prl:NAME_local=FILE`` for a checkpoint
``hf:FOLDER``,               network of transformers: an encoder where it has an x-vector head, and
``hf:OWNER/NAME@COMMIT``     otherwise a front end
===========================  =======================================================================

A front end is an encoder by statistics of its layers, whose weights are learned with the extractor
(:class:`~diarspk.encoders.upstreams.FrontEndEncoder`); ``#N`` after its name takes layer N alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import diarspk
from diarspk.catalogue.presets import find_preset
from diarspk.catalogue.reading import find_entry
from diarspk.checkpoints.assets import asset_folder
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.concatenated import ConcatenatedEncoder
from diarspk.encoders.upstreams.encoder import FrontEndEncoder

__all__ = ["join_encoders", "load_cue_encoder", "name_from"]

HUB, S3PRL = "hf:", "s3prl:"
CHECKPOINT = re.compile(r"(?P<kind>(s3prl:)?\w+_(local|custom)=)(?P<place>.+)", re.DOTALL)
LAYER = re.compile(r"#(-?\d+)$")


@dataclass(frozen=True)
class _Name:
    """Name of an encoder, taken apart: ``hf:``, the path or what else it names, and ``#N``."""

    kind: str
    place: str
    layer: str

    @classmethod
    def parse(cls, text: str) -> _Name:
        found = CHECKPOINT.fullmatch(text)
        kind = next((one for one in (HUB, S3PRL) if text.startswith(one)), "")
        kind = found["kind"] if found else kind
        place = text.removeprefix(kind)
        layer = LAYER.search(place) if kind else None
        return cls(kind, place[: layer.start()] if layer else place, layer[1] if layer else "")

    @property
    def is_file(self) -> bool:
        """Whether it may name a path rather than a model that is found by its name alone."""
        if self.kind == S3PRL or (self.kind == HUB and "@" in self.place):
            return False
        known = find_preset(self.place) or find_entry(self.place)
        return bool(self.kind) or not (
            known or not self.place or (asset_folder() / f"{self.place}.json").is_file()
        )

    def at(self, place: str) -> str:
        """Put another path in the place of this one."""
        return self.kind + place + (f"#{self.layer}" if self.layer else "")


def load_cue_encoder(name: str | Path | None = None, folder: Path | None = None) -> SpeakerEncoder:
    """Load an encoder by its name; see the module.

    Parameters
    ----------
    name
        Default: the embedded encoder.
    folder
        Folder of the card that names it, where a relative path is looked for first, and its last
        part too. Default: the current folder alone.

    Raises
    ------
    ModelError
        If there is no such model, or something that it needs is missing.
    ArgumentError
        If there is no such front end or layer.
    """
    if name is None or not str(name):
        return diarspk.load_encoder()
    parsed = _Name.parse(str(name))
    if folder is not None and parsed.is_file:
        path = Path(parsed.place)
        places = (folder / path, path, folder / path.name)
        parsed = _Name.parse(parsed.at(str(next((one for one in places if one.exists()), path))))
    if not parsed.kind or _is_encoder_of_transformers(parsed):
        return diarspk.load_encoder(parsed.place if parsed.is_file else parsed.at(parsed.place))
    from diarspk.encoders.upstreams import load_upstream, parse_upstream

    layer = int(parsed.layer) if parsed.layer else None
    config = parse_upstream(parsed.kind + parsed.place, layer=layer)
    encoder = FrontEndEncoder(load_upstream(config))
    encoder.name = parsed.at(parsed.place)
    return encoder


def _is_encoder_of_transformers(name: _Name) -> bool:
    from diarspk.catalogue.repositories import find_repository
    from diarspk.encoders.pretrained.transformers import is_transformers
    from diarspk.encoders.upstreams.loading import REMEDY

    if name.kind != HUB:
        return False
    folder = Path(name.place)
    if not folder.is_dir():
        folder = find_repository(HUB + name.place, remedy=REMEDY)
    return is_transformers(folder) or not (folder / "config.json").is_file()


def name_from(name: str, folder: Path) -> str:
    """Name that a card in ``folder`` gives an encoder: of a path, the way from that folder."""
    parsed = _Name.parse(name)
    path = Path(parsed.place)
    if not parsed.is_file or not path.exists():
        return name
    try:
        way = os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # on another drive of Windows
        way = str(path.resolve())
    return parsed.at(Path(way).as_posix())


def join_encoders(encoders: Sequence[SpeakerEncoder]) -> SpeakerEncoder:
    """Take the only encoder, or several side by side."""
    return encoders[0] if len(encoders) == 1 else ConcatenatedEncoder(encoders)
