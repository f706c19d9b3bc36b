"""Where checkpoints of other projects are in folders."""

from __future__ import annotations

from pathlib import Path

from diarspk.errors import ModelError

__all__ = ["FILES", "find_file", "is_pretrained"]

FILES = (
    *("avg_model.pt", "pytorch_model.bin", "embedding_model.ckpt"),
    *("campplus_cn_en_common.pt", "campplus_cn_common.bin", "campplus_voxceleb.bin"),
)
"""Names that the projects give to the file with the weights, looked for in a folder."""

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".onnx")


def is_pretrained(path: Path) -> bool:
    """Whether a path is a checkpoint of another project by its suffix, or a folder with one."""
    return path.is_dir() or (path.exists() and path.suffix in SUFFIXES)


def find_file(path: Path) -> Path:
    """Find the file with the weights; a file is returned as it is.

    Raises
    ------
    ModelError
        If a folder holds no file of a known name, and not exactly one ``.pth`` or ``.onnx`` file.
    """
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    others = [file for pattern in ("*.pth", "*.onnx") for file in path.glob(pattern)]
    if len(others) == 1:
        return others[0]
    raise ModelError(f"{path}: none of {', '.join(FILES)} is in this folder; give the file itself")
