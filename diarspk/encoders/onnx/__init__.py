"""Encoders outside PyTorch: ONNX files with the features in the graph, run by onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.encoders.onnx.encoder import OnnxEncoder
    from diarspk.encoders.onnx.exporting import export_encoder
    from diarspk.encoders.onnx.runtime import ENGINES, with_engine

__all__ = [
    "ENGINES",
    "OnnxEncoder",
    "export_encoder",
    "with_engine",
]

_HOMES = {
    "ENGINES": "diarspk.encoders.onnx.runtime",
    "OnnxEncoder": "diarspk.encoders.onnx.encoder",
    "export_encoder": "diarspk.encoders.onnx.exporting",
    "with_engine": "diarspk.encoders.onnx.runtime",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
