"""Self-supervised front ends of ESPnet-SPK's checkpoints: S3PRL's WavLM under an encoder.

ESPnet stores all tensors of the front end: S3PRL's as ``frontend.upstream.*``, and the weights of
the sum of layers as ``frontend.featurizer.weights``. Its configuration names the upstream; the
dimensions are those of the tensors, so that neither a download nor the file that ESPnet read is
needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from diarspk.checkpoints.checkpoint import drop_prefix
from diarspk.checkpoints.pickled import load_strictly
from diarspk.encoders.s3prl.upstream import Upstream, UpstreamConfig
from diarspk.encoders.upstreams.stored import build_s3prl, without_tensors
from diarspk.errors import ModelError

__all__ = ["build_espnet_upstream"]

UPSTREAM = "frontend.upstream."
WAVLM = "upstream.model."
STRIDES = (5, 2, 2, 2, 2, 2, 2)
"""Of WavLM's convolutions, 20 ms in all; tensors do not tell strides."""


def build_espnet_upstream(
    path: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> Upstream:
    """Build the front end of a checkpoint whose ``frontend`` is "s3prl", with its weights.

    Parameters
    ----------
    path
        The checkpoint, for messages.
    config
        Content of ``config.yaml``.
    state
        All tensors of the checkpoint.

    Raises
    ------
    ModelError
        If the upstream is not WavLM, or the configuration asks for what is not supported.
    """
    settings = config.get("frontend_conf") or {}
    inner = settings.get("frontend_conf") or {}
    name = str(inner.get("upstream"))
    tensors = drop_prefix(state, UPSTREAM)
    if not name.startswith("wavlm") or f"{WAVLM}encoder.layers.0.fc1.weight" not in tensors:
        raise ModelError(f"{path}: its upstream of s3prl is {name}; only WavLM can be loaded")
    for key, wanted in (("tile_factor", 1), ("extra_conf", None)):
        if inner.get(key, wanted) != wanted:
            raise ModelError(
                f"{path}: frontend_conf has {key}: {inner[key]}, only {wanted} is used"
            )
    centred = _is_centred(path, config)
    layer = int(settings.get("layer", -1))
    weighted = layer == -1 and bool(settings.get("multilayer_feature", False))
    upstream = build_s3prl(
        UpstreamConfig(
            "wavlm_local",
            layer=None if weighted else layer,
            normalize=bool(inner.get("normalize", False)),
            centred=centred,
        ),
        {
            "cfg": _wavlm_settings(drop_prefix(tensors, WAVLM)),
            "model": without_tensors(drop_prefix(tensors, WAVLM), str(path)),
        },
    )
    own = {f"network.{key}": tensor for key, tensor in tensors.items()}
    if weighted:
        own["weights"] = state["frontend.featurizer.weights"]
    load_strictly(upstream, own, path)
    return upstream


def _is_centred(path: Path, config: Mapping[str, Any]) -> bool:
    """Whether the mean over time is taken off the frames."""
    if config.get("normalize") is None:
        return False
    settings = config.get("normalize_conf") or {}
    plain = settings.get("norm_means", True) and not settings.get("norm_vars", False)
    if config["normalize"] != "utterance_mvn" or not plain:
        raise ModelError(
            f"{path}: normalize is {config['normalize']} {settings}, only utterance_mvn without "
            "norm_vars can be used"
        )
    return True


def _wavlm_settings(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Tell the settings of a WavLM by the shapes of its tensors."""
    numbers = (re.match(r"encoder\.layers\.(\d+)\.", name) for name in tensors)
    layers = {int(found[1]) for found in numbers if found}
    convolutions = [
        tensors[key].shape
        for number in range(len(STRIDES))
        if (key := f"feature_extractor.conv_layers.{number}.0.weight") in tensors
    ]
    width = tensors["encoder.layers.0.fc1.weight"].shape[1]
    position = tensors["encoder.pos_conv.0.weight_v"].shape
    buckets, heads = tensors["encoder.layers.0.self_attn.relative_attention_bias.weight"].shape
    # The large model norms every convolution and each layer before it, and reads a normalised
    # waveform; the base models do none of it.
    large = "feature_extractor.conv_layers.1.2.1.weight" in tensors
    return {
        "extractor_mode": "layer_norm" if large else "default",
        "layer_norm_first": large,
        "normalize": large,
        "encoder_layers": len(layers),
        "encoder_embed_dim": width,
        "encoder_ffn_embed_dim": tensors["encoder.layers.0.fc1.weight"].shape[0],
        "encoder_attention_heads": heads,
        "conv_feature_layers": str(
            [
                (shape[0], shape[2], stride)
                for shape, stride in zip(convolutions, STRIDES, strict=True)
            ]
        ),
        "conv_bias": "feature_extractor.conv_layers.0.0.bias" in tensors,
        "conv_pos": position[2],
        "conv_pos_groups": width // position[1],
        "relative_position_embedding": True,
        "num_buckets": buckets,
        "max_distance": 800,
        "gru_rel_pos": "encoder.layers.0.self_attn.grep_linear.weight" in tensors,
    }
