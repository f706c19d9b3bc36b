"""Small front ends with random weights, as their projects store them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch

WAVLM = {
    "encoder_layers": 2,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(8,10,5)] + [(8,3,2)] * 4 + [(8,2,2)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 4,
}

TRANSFORMERS = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def skip_without_s3prl(*others: str) -> None:
    """Skip a test, or a module of tests, where S3PRL or what else it needs is not installed."""
    for name in ("torchaudio", *others):
        pytest.importorskip(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # S3PRL warns of its own dependencies
        pytest.importorskip("s3prl")


def write_local(path: Path, kind: str) -> str:
    """Write a checkpoint for ``wavlm_local`` or ``hubert_local``; return the front end's name."""
    from eval.speed.random_front_ends import write_hubert, write_wavlm

    torch.manual_seed(0)
    (write_wavlm if kind == "wavlm_local" else write_hubert)(path, **WAVLM)
    return f"{kind}={path}"


def write_transformers(folder: Path, kind: str = "WavLM", *, normalize: bool = True) -> str:
    """Write a folder of transformers; return the front end's name."""
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**TRANSFORMERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    preprocessing = {"do_normalize": normalize, "sampling_rate": 16000}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return f"hf:{folder}"
