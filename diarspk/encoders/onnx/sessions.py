"""ONNX graphs opened for running on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diarspk.errors import ModelError

__all__ = ["open_session"]


def open_session(model: bytes | Path, *, threads: int | None = None) -> Any:
    """Open a graph for inference on the CPU.

    Parameters
    ----------
    model
        Content of an ONNX file, or its path.
    threads
        Threads of one run; PyTorch's number where it is left out, so that engines compare.

    Raises
    ------
    ModelError
        If onnxruntime is missing, or this is no graph that it can run.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("onnxruntime is not installed: pip install 'diarspk[onnx]'") from error
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for every fault
        fault = " ".join(str(error).split())[:200]
        name = "the graph" if isinstance(model, bytes) else str(model)
        raise ModelError(
            f"{name}: onnxruntime cannot open it ({fault}); export it again"
        ) from error
