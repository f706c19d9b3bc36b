"""Encoders by name or path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diarspk
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import Checkpoint, read_checkpoint
from diarspk.encoders import FrameEmbeddings, build_encoder
from diarspk.encoders.loading import (
    DEFAULT,
    build_local_encoder,
    find_card,
    load_encoder,
    load_frame_head,
)
from diarspk.errors import ModelError
from diarspk.segmentation.loading import build_embedded_segmenter


def test_an_architecture_has_no_weights_to_load() -> None:
    with pytest.raises(ModelError, match=r"got the architecture resnet34; give the path"):
        load_encoder("resnet34")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ModelError, match=rf"known model \({DEFAULT}\).*got nonesuch"):
        load_encoder("nonesuch")


def test_a_model_loads_by_path_too() -> None:
    card = asset_folder() / f"{DEFAULT}.json"
    for path in (card, card.with_suffix(".safetensors"), str(card)):
        assert load_encoder(path).fingerprint == load_encoder().fingerprint


def test_encoder_and_segmenter_are_built_from_one_reading() -> None:
    checkpoint = read_checkpoint(find_card(None))
    encoder = build_local_encoder(checkpoint)
    assert (
        encoder.fingerprint == checkpoint.fingerprint == build_embedded_segmenter(checkpoint).trunk
    )


def test_a_checkpoint_without_the_section_is_refused() -> None:
    with pytest.raises(ModelError, match="no section 'network'"):
        build_local_encoder(Checkpoint({}, {"sha256": "0" * 64}))


def test_an_encoder_without_a_frame_head_has_none() -> None:
    assert load_frame_head("unknown") is None


def test_the_default_needs_no_other_project() -> None:
    """Neither architectures of other projects, nor ONNX, nor readers of other checkpoints."""
    code = (
        "import sys, json, diarspk; diarspk.load_encoder();"
        "print(json.dumps([name for name in sys.modules if name.startswith('diarspk.')]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(run.stdout)
    allowed = ("architectures", "architectures.pooling", "architectures.pooling.gated")
    allowed += ("pretrained", "pretrained.locations")
    zoo = {f"diarspk.encoders.{name}" for name in allowed}
    others = ("architectures", "pretrained", "onnx", "s3prl", "windowed", "stored")
    prefixes = tuple(f"diarspk.encoders.{name}" for name in others)
    assert [name for name in loaded if name.startswith(prefixes) and name not in zoo] == []


def test_an_encoder_prints_as_name_dimension_and_fingerprint(tmp_path: Path) -> None:
    encoder = diarspk.load_encoder()
    assert repr(encoder) == (
        f"LocalEncoder({DEFAULT!r}, dimension=192, fingerprint={encoder.fingerprint!r})"
    )
    untrained = build_encoder("x-vector", dimension=16)
    assert repr(untrained).startswith("WindowedEncoder('x-vector', dimension=16, fingerprint=")


def test_frame_embeddings_print_without_their_vectors() -> None:
    frames = FrameEmbeddings(np.zeros((5, 3), np.float32), 0.04, 0.0125)
    assert repr(frames) == "FrameEmbeddings(5 frames x 3, hop=0.04, start=0.0125)"


def test_the_space_of_an_encoder_is_its_fingerprint_and_dimension() -> None:
    encoder = diarspk.load_encoder()
    assert (encoder.space.fingerprint, encoder.space.dimension) == (
        encoder.fingerprint,
        encoder.dimension,
    )
