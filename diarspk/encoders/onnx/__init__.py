"""Encoders outside PyTorch: ONNX files with the features in the graph, and what runs them."""

from diarspk.encoders.onnx.encoder import OnnxEncoder
from diarspk.encoders.onnx.exporting import export_encoder
from diarspk.encoders.onnx.running import ENGINES, with_engine

__all__ = ["ENGINES", "OnnxEncoder", "export_encoder", "with_engine"]
