"""Front ends with random weights, which cost what trained ones do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from diarspk.encoders.s3prl import UpstreamConfig
from diarspk.encoders.s3prl.compatibility import import_s3prl
from diarspk.encoders.upstreams import parse_upstream

__all__ = ["RANDOM", "find_front_end", "write_hubert", "write_wav2vec2", "write_wavlm"]

BASE = {
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
}
RELATIVE = {"relative_position_embedding": True, "gru_rel_pos": True}
LARGE = {
    "encoder_layers": 24,
    "encoder_embed_dim": 1024,
    "encoder_ffn_embed_dim": 4096,
    "encoder_attention_heads": 16,
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "normalize": True,
}


def write_wavlm(path: Path, **settings: Any) -> None:
    """Write a ``wavlm_local`` checkpoint of random weights."""
    import_s3prl()
    from s3prl.upstream.wavlm.WavLM import WavLM, WavLMConfig

    config = WavLMConfig({**BASE, **RELATIVE, **settings})
    torch.save({"cfg": vars(config), "model": WavLM(config).state_dict()}, path)


def write_hubert(path: Path, **settings: Any) -> None:
    """Write a ``hubert_local`` checkpoint of random weights."""
    import_s3prl()
    from s3prl.upstream.hubert.hubert_model import (
        HubertConfig,
        HubertModel,
        HubertPretrainingConfig,
    )

    settings = {**BASE, "label_rate": 50.0, **settings}
    task = {"label_rate": 50.0, "normalize": settings.pop("normalize", False)}
    symbols = [[str(number) for number in range(10)]]
    network = HubertModel(HubertConfig(**settings), HubertPretrainingConfig(**task), symbols)
    content = {
        "task_cfg": task,
        "model_cfg": settings,
        "model_weight": network.state_dict(),
        "dictionaries_symbols": symbols,
    }
    torch.save(content, path)


def write_wav2vec2(path: Path) -> None:
    """Write a folder of transformers with a wav2vec 2.0 of random weights, at its base size."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(path)


RANDOM = {
    "wavlm-base": ("wavlm_local", write_wavlm, {}),
    "wavlm-large": ("wavlm_local", write_wavlm, LARGE),
    "hubert-base": ("hubert_local", write_hubert, {}),
    "wav2vec2-base": ("hf:", write_wav2vec2, {}),
}
"""Name to upstream, writer of a checkpoint, and settings of the network."""


def find_front_end(name: str, folder: Path) -> UpstreamConfig:
    """Configure a front-end; random weights are written to a folder, once."""
    if name in RANDOM:
        upstream, write, settings = RANDOM[name]
        path = folder / f"{name}.pt"
        if not path.exists():
            write(path, **settings)
        return parse_upstream(f"{upstream}{'' if upstream == 'hf:' else '='}{path}")
    return parse_upstream(name)
