"""Front ends in checkpoints: their weights, or their name and what it must stand for.

Weights that a name brings back, byte for byte, stay where they are: those of a commit on the
Hugging Face hub that were not fine-tuned. A checkpoint then is that of the encoder alone, and the
digest in its card tells whether the name still stands for the same. All other weights are in the
checkpoint, which is whole without the file or folder that they came from.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix
from diarspk.checkpoints.digest import digest_weights
from diarspk.checkpoints.pickled import read_state
from diarspk.encoders.s3prl.sources import NO_DOWNLOAD
from diarspk.encoders.s3prl.upstream import Upstream, UpstreamConfig
from diarspk.encoders.s3prl.upstream import load_upstream as load_s3prl
from diarspk.encoders.upstreams.loading import load_upstream
from diarspk.encoders.upstreams.names import HUB
from diarspk.encoders.upstreams.transformers import HiddenStates, build_transformers
from diarspk.errors import ModelError

__all__ = [
    "PREFIX",
    "build_s3prl",
    "build_stored_upstream",
    "describe_upstream",
    "without_tensors",
]

PREFIX = "upstream.network."
"""Names of an upstream's own tensors in an encoder's."""

PLACE = "tensor"
"""Key of a tensor's shape where the card describes a checkpoint of S3PRL."""

SIZES = re.compile(
    r"layers|embed_dim|ffn|heads|hidden_size|intermediate|conv_dim|groups$|^conv_pos$"
)
"""Settings that decide how large a network is."""


def describe_upstream(upstream: Upstream) -> dict[str, Any]:
    """Describe an upstream for a card; ``weights`` says whether they are "inside" or "named".

    Raises
    ------
    ModelError
        If its weights are neither to be found by its name nor can be stored.
    """
    config = upstream.config
    digest = digest_weights(upstream.network)
    named = _can_be_named(config) and digest == _digest_of_name(config)
    found = {
        "name": config.name if named else _kind(config),
        "layer": config.layer,
        "normalize": config.normalize,
        "centred": config.centred,
        "weights": "named" if named else "inside",
        "digest": digest,
    }
    return found if named else {**found, "structure": _structure(upstream)}


def build_stored_upstream(checkpoint: Checkpoint, *, download: bool = False) -> Upstream:
    """Build the upstream that the card of a checkpoint describes, with its weights.

    Raises
    ------
    ModelError
        If the weights are not here, are others than the card says, or do not fit it.
    """
    section = _section(checkpoint)
    config = UpstreamConfig(
        str(section["name"]),
        layer=section["layer"],
        normalize=bool(section["normalize"]),
        centred=bool(section["centred"]),
    )
    if section["weights"] == "named":
        upstream = load_upstream(config, download=download)
        if digest_weights(upstream.network) != section["digest"]:
            raise ModelError(
                f"{config.name}: its weights are not those that the encoder was trained with; "
                "restore them"
            )
        return upstream
    tensors = drop_prefix(checkpoint.tensors, PREFIX)
    structure = section["structure"]
    if config.name == HUB:
        _check_sizes(structure["config"], checkpoint)
        network = build_transformers(structure, layer_norm=config.normalize)
        upstream = Upstream(network, config)
    else:
        _check_sizes(structure, checkpoint)
        upstream = build_s3prl(config, structure)
    upstream.network.load_state_dict(tensors)
    return upstream


def _section(checkpoint: Checkpoint) -> Mapping[str, Any]:
    section = checkpoint.card.get("upstream")
    if not isinstance(section, Mapping):
        raise ModelError(f"{checkpoint.card.get('name')}: the card does not describe its front end")
    return section


def _can_be_named(config: UpstreamConfig) -> bool:
    if config.name.startswith(HUB):
        return "@" in config.name and not Path(config.name.removeprefix(HUB)).is_dir()
    return config.name in NO_DOWNLOAD


def _digest_of_name(config: UpstreamConfig) -> str:
    return digest_weights(load_upstream(replace(config, tuned=False)).network)


def _kind(config: UpstreamConfig) -> str:
    """Name without the place that the weights came from."""
    return HUB if config.name.startswith(HUB) else config.name


def _structure(upstream: Upstream) -> Any:
    """Describe a network whose weights are in the checkpoint."""
    if isinstance(upstream.network, HiddenStates):
        return upstream.network.structure()
    if upstream.structure is not None:
        return upstream.structure
    config = upstream.config
    if config.path is None or Path(config.path).is_dir():
        raise ModelError(
            f"{config.name}: only its name could be stored, and that does not pin its weights; "
            "download its checkpoint, and load that: NAME_local=FILE"
        )
    return without_tensors(read_state(config.path), config.path)


def without_tensors(content: Any, where: str) -> Any:
    """Put shapes in the places of tensors; ``where`` is the file, for messages.

    Raises
    ------
    ModelError
        If the content is no JSON even then.
    """
    if isinstance(content, Tensor):
        return {PLACE: list(content.shape), "dtype": str(content.dtype).removeprefix("torch.")}
    if isinstance(content, Mapping) and all(isinstance(name, str) for name in content):
        return {name: without_tensors(value, where) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_tensors(value, where) for value in content]
    if content is None or isinstance(content, bool | int | float | str):
        return content
    raise ModelError(f"{where}: holds a {type(content).__name__}, which a card cannot describe")


def _with_zeros(content: Any) -> Any:
    """Put tensors of zeros, which take no memory, in their places."""
    if isinstance(content, Mapping):
        if PLACE in content:
            kind: torch.dtype = getattr(torch, str(content["dtype"]))
            return torch.zeros((), dtype=kind).expand(content[PLACE])
        return {name: _with_zeros(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_with_zeros(value) for value in content]
    return content


def build_s3prl(config: UpstreamConfig, structure: Any) -> Upstream:
    """Let S3PRL build a network from a checkpoint of zeros; its weights are to be loaded.

    Parameters
    ----------
    config
        Of an upstream that S3PRL makes from a file; the path is left out.
    structure
        Content of the file, with shapes in the places of tensors.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upstream.pt"
        torch.save(_with_zeros(structure), path)
        upstream = load_s3prl(replace(config, path=str(path)))
    upstream.config = config
    upstream.structure = structure
    return upstream


def _check_sizes(settings: Any, checkpoint: Checkpoint, name: str = "") -> None:
    """Refuse a description of a network that is larger than the weights."""
    if isinstance(settings, Mapping) and PLACE in settings:
        largest = max((tensor.numel() for tensor in checkpoint.tensors.values()), default=0)
        elements = torch.Size(settings[PLACE]).numel()
        if elements > 2 * largest:
            raise ModelError(f"the card does not fit the tensors ({elements} elements of one)")
    elif isinstance(settings, Mapping):
        for key, value in settings.items():
            _check_sizes(value, checkpoint, str(key))
    elif isinstance(settings, int | float | list) and SIZES.search(name):
        checkpoint.check_sizes(settings, "layers" if "num" in name else name)
