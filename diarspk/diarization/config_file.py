"""Settings of the diarizer in a file, YAML or JSON, with every field of :class:`DiarizerConfig`.

::

    clusterer: {type: SpectralClusterer, settings: ICASSP2018}
    units: local
    reconstruction: {max_gap_s: 0.8}
    resegmentation: null

What is left out has its default. Classes of clusterers and reductions are named as in Python, and
settings of papers by their constants in capitals. A PLDA is named by its encoder or that encoder's
fingerprint, or by the path of its card. Default: that of the embedded encoder.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from math import inf, isfinite
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from diarspk import clustering
from diarspk.checkpoints.assets import asset_folder, find_asset
from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.clustering.clusterer import Clusterer, PartitionClusterer
from diarspk.clustering.plda import Plda, read_plda
from diarspk.diarization.config import DiarizerConfig
from diarspk.embeddings import reduction
from diarspk.embeddings.reduction import Reduction
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import ArgumentError, DiarspkError, FormatError, ModelError

__all__ = ["CLUSTERERS", "describe_config", "parse_config", "read_config"]

CLUSTERERS = (
    "AgglomerativeClusterer",
    "EigengapClusterer",
    "MultiStageClusterer",
    "PldaClusterer",
    "SpectralClusterer",
    "VBxClusterer",
)
"""Clusterers that a file can name."""

PLDA_FOLDERS = {"PldaClusterer": "sessions"}
"""Folder of the PLDA that a clusterer reads, where it is not ``plda``."""


def read_config(path: str | Path) -> DiarizerConfig:
    """Read settings from a YAML or JSON file.

    Raises
    ------
    FormatError
        If the file cannot be read, or holds something that is no setting.
    """
    name = str(path)
    try:
        # JSON is YAML, too.
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FormatError("no such file; check the path", name) from None
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror}); check it", name) from None
    except UnicodeDecodeError:
        raise FormatError("not UTF-8 text; convert the file", name) from None
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        raise FormatError(f"is no YAML ({error.problem}); check it", name, line) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise FormatError("is no YAML that can be read; check it", name) from None
    try:
        return parse_config({} if document is None else document)
    except DiarspkError as error:
        raise FormatError(str(error), name) from None


def parse_config(document: object) -> DiarizerConfig:
    """Make settings of a document, as :func:`read_config` does of a file.

    Raises
    ------
    ArgumentError
        If something in it is no setting.
    """
    return _parse(DiarizerConfig, document, "")


def describe_config(config: DiarizerConfig) -> dict[str, Any]:
    """Describe settings by a document that :func:`parse_config` makes them of again.

    A clusterer of another package is described by its class alone.
    """
    return {one.name: _describe(getattr(config, one.name)) for one in fields(config)}


def _describe(value: Any) -> Any:
    if isinstance(value, Plda):
        return value.fingerprint
    if is_dataclass(value) and not isinstance(value, type):
        own = {one.name: _describe(getattr(value, one.name)) for one in fields(value) if one.init}
        named = isinstance(value, (*_classes(Clusterer), *_classes(Reduction)))
        return {"type": type(value).__name__, **own} if named else own
    if isinstance(value, tuple):
        return [_describe(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"type": type(value).__name__}


@cache
def _classes(kind: type) -> tuple[type, ...]:
    """Classes that a file can name where a setting is of an interface."""
    if kind is Reduction:
        return (reduction.AutoEncoder, reduction.Prefix, reduction.PrincipalComponents)
    return tuple(getattr(clustering, name) for name in CLUSTERERS)


def _parse(kind: Any, value: Any, path: str) -> Any:
    """Make a value of the type `kind`; `path` is where it stands, for errors."""
    where = path or "the settings"
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        (kind,) = (one for one in get_args(kind) if one is not type(None))
        return _parse(kind, value, path)
    if origin is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            raise _fault(where, f"one of {', '.join(map(str, get_args(kind)))}", value)
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _fault(where, "a list", value)
        return tuple(
            _parse(get_args(kind)[0], one, f"{path}[{number}]") for number, one in enumerate(value)
        )
    if kind in (Clusterer, PartitionClusterer, Reduction):
        return _parse_named(kind, value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        if isinstance(value, Mapping) and value.get("type") == kind.__name__:
            value = {name: one for name, one in value.items() if name != "type"}
        return _parse_settings(kind, value, path)
    return _parse_number(kind, value, where)


def _parse_number(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # of a whole number beyond all floats
            number = inf
        if not isfinite(number):
            raise _fault(where, "a finite number", value)
        return number
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    wanted = {bool: "true or false", int: "a whole number", float: "a finite number"}
    raise _fault(where, wanted.get(kind, kind.__name__), value)


def _load_plda(name: Any, folder: str, where: str) -> Plda:
    """Load a PLDA by the name or fingerprint of its encoder, or by the path of its card."""
    if not isinstance(name, str):
        raise _fault(where, "the name of an encoder, or the path of a PLDA", name)
    encoder = asset_folder() / f"{DEFAULT if name == 'embedded' else name}.json"
    fingerprint = read_checkpoint(encoder).fingerprint if encoder.is_file() else name
    card = find_asset(folder, fingerprint) or Path(name)
    if not card.is_file():
        raise ModelError(f"{name}: has no PLDA; python -m recipes.plda.train makes one")
    return read_plda(card)


def _parse_named(kind: type, value: Any, where: str) -> Any:
    """Make an object of the class that is named as ``type``, or by a string alone."""
    kind = Reduction if kind is Reduction else Clusterer
    named = {one.__name__: one for one in _classes(kind)}
    rest = dict(value) if isinstance(value, Mapping) else {}
    name = rest.pop("type", None) if isinstance(value, Mapping) else value
    if not isinstance(name, str) or name not in named:
        raise _fault(f"{where}.type", f"one of {', '.join(named)}", name)
    return _parse_settings(named[name], rest, where)


def _parse_settings(kind: type, value: Any, path: str) -> Any:
    where = path or "the settings"
    if isinstance(value, str):
        constant = getattr(clustering, value, None) if value.isupper() else None
        if not isinstance(constant, kind):
            names = [name for name in clustering.__all__ if _is_constant(name, kind)]
            raise _fault(where, f"a mapping, or one of {', '.join(names)}", value)
        return constant
    if not isinstance(value, Mapping):
        raise _fault(where, "a mapping of names to values", value)
    hints = get_type_hints(kind)
    known = {one.name: one for one in fields(kind) if one.init}
    for name in value:
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise ArgumentError(f"{where}: no setting {name!r}; {hint}")
    made: dict[str, Any] = {}
    if hints.get("plda") is Plda:
        folder = PLDA_FOLDERS.get(kind.__name__, "plda")
        made["plda"] = _load_plda(value.get("plda", "embedded"), folder, f"{where}.plda")
    for name, one in known.items():
        if name in made or name in value:
            continue
        if one.default is MISSING and one.default_factory is MISSING:
            raise ArgumentError(f"{where}: the setting {name!r} is missing; add it")
    prefix = f"{path}." if path else ""
    for name in value:
        if name not in made:
            made[name] = _parse(hints[name], value[name], prefix + name)
    return kind(**made)


def _is_constant(name: str, kind: type) -> bool:
    return name.isupper() and isinstance(getattr(clustering, name), kind)


def _fault(where: str, wanted: str, got: Any) -> ArgumentError:
    return ArgumentError(f"{where} must be {wanted}, got {got!r}")
