"""Encoders outside PyTorch: ONNX files with the features in the graph, and what runs them."""

from diarspk.engines.encoder import OnnxEncoder
from diarspk.engines.exporting import export_encoder
from diarspk.engines.running import ENGINES, with_engine

__all__ = ["ENGINES", "OnnxEncoder", "export_encoder", "with_engine"]
