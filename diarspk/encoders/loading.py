"""Speaker encoders by name or path.

What a name does not need is not imported: the embedded default loads without the architectures
of other projects, and without ONNX.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from diarspk.arguments import check_path
from diarspk.checkpoints.assets import asset_folder
from diarspk.checkpoints.checkpoint import Checkpoint, drop_prefix, fitting_card, read_checkpoint
from diarspk.devices import choose_device
from diarspk.encoders.base import SpeakerEncoder
from diarspk.encoders.local.encoder import LocalEncoder
from diarspk.encoders.local.frame_head import FRAME_HEADS, FrameHead
from diarspk.encoders.local.network import SpeakerNetwork, SpeakerNetworkConfig
from diarspk.encoders.local.trunk import TrunkConfig
from diarspk.errors import ModelError

if TYPE_CHECKING:
    from diarspk.catalogue.presets import Preset

__all__ = [
    "DEFAULT",
    "build_local_encoder",
    "find_card",
    "is_stored_encoder",
    "load_encoder",
    "load_frame_head",
]

DEFAULT = "local-tdnn"
"""Name of the embedded default."""


@overload
def load_encoder(
    name: None = None, *, download: bool = False, device: str = "cpu"
) -> LocalEncoder: ...
@overload
def load_encoder(
    name: str | Path, *, download: bool = False, device: str = "cpu"
) -> SpeakerEncoder: ...
def load_encoder(
    name: str | Path | None = None, *, download: bool = False, device: str = "cpu"
) -> SpeakerEncoder:
    """Load a speaker encoder.

    Parameters
    ----------
    name : str or path, optional
        One of

        - a model that :func:`diarspk.available_models` lists: an embedded one, or a public
          checkpoint or a preset of several, which have to be downloaded once;
        - the JSON card of a checkpoint of this package, or its ``.safetensors`` file;
        - a checkpoint of another project, or the folder that holds it: see
          :func:`diarspk.encoders.pretrained.load_pretrained_encoder`;
        - ``hf:OWNER/NAME@COMMIT``, such a folder on the Hugging Face hub.

        Default: the embedded encoder.
    download : bool, default False
        Download a public checkpoint, or files of the hub, that are not here. Nothing else uses the
        network.
    device : str, default "cpu"
        Device that the encoder runs on; see :func:`diarspk.devices.choose_device`.

    Returns
    -------
    SpeakerEncoder

    Raises
    ------
    ModelError
        If there is no such model, or its files are damaged, unsafe or of an unknown network.
    ArgumentError
        If `name` can be neither a name nor a path, or there is no such device.
    """
    chosen = choose_device(device)
    return _load(name, download=download).to(chosen)


def _load(name: str | Path | None, *, download: bool) -> SpeakerEncoder:
    if name is not None:
        name = check_path(name, "name")
        from diarspk.catalogue.presets import find_preset
        from diarspk.catalogue.reading import find_entry
        from diarspk.catalogue.repositories import find_repository, is_hub_name
        from diarspk.encoders.pretrained.locations import is_pretrained

        if (preset := find_preset(name)) is not None:
            return _load_preset(preset, download=download)
        if (entry := find_entry(name)) is not None:
            from diarspk.encoders.pretrained.catalogued import load_catalogued_encoder

            return load_catalogued_encoder(entry, download=download)
        if is_hub_name(name):
            folder = find_repository(str(name), download=download)
            encoder = _load_pretrained(folder)
            encoder.name = str(name)
            repository = encoder.name.partition(":")[2].partition("@")[0]
            encoder.origin = encoder.origin or repository
            return encoder
        if is_pretrained(Path(name)):
            encoder = _load_pretrained(Path(name))
            encoder.name = Path(name).name
            return encoder
    checkpoint = read_checkpoint(find_card(name))
    if not is_stored_encoder(checkpoint.card):
        return build_local_encoder(checkpoint)
    from diarspk.encoders.stored import build_stored_encoder

    return build_stored_encoder(checkpoint, download=download)


def _load_preset(preset: Preset, *, download: bool) -> SpeakerEncoder:
    if not download:
        preset.check_downloaded()
    encoder = _load(preset.encoder, download=download)
    if preset.share is None:
        return encoder
    from diarspk.encoders.fused import FusedEncoder
    from diarspk.encoders.pooled import PooledEncoder

    trunk = _load(None, download=False)
    assert isinstance(trunk, LocalEncoder) and isinstance(encoder, PooledEncoder)  # as presets are
    return FusedEncoder(trunk, encoder, preset.share, name=preset.name)


def _load_pretrained(path: Path) -> SpeakerEncoder:
    from diarspk.encoders.pretrained.encoders import load_pretrained_encoder

    return load_pretrained_encoder(path)


def build_local_encoder(checkpoint: Checkpoint) -> LocalEncoder:
    """Build the encoder of a checkpoint with a local trunk, with its frame head where it has one.

    A segmenter reads the same checkpoint, so whoever needs both reads the file once.

    Raises
    ------
    ModelError
        If the card has no section "network" or one that does not fit the tensors, or a file of the
        frame head is damaged.
    """
    settings: dict[str, Any] = dict(checkpoint.section("network"))
    with fitting_card(checkpoint.label):
        trunk = TrunkConfig(**{k: _frozen(v) for k, v in settings.pop("trunk").items()})
        config = SpeakerNetworkConfig(trunk=trunk, **{k: _frozen(v) for k, v in settings.items()})
        network = SpeakerNetwork(config)
        network.load_state_dict(drop_prefix(checkpoint.tensors, "network."))
    fingerprint = checkpoint.fingerprint
    return LocalEncoder(
        network.requires_grad_(False),
        fingerprint,
        load_frame_head(fingerprint),
        name=str(checkpoint.card.get("name", "")),
    )


def load_frame_head(fingerprint: str) -> FrameHead | None:
    """Load the frame head of an encoder from the assets; None where there is none.

    It is a file of its own: the embedding space is the same with it and without.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    return FRAME_HEADS.load_asset(fingerprint)


def is_stored_encoder(card: dict[str, object]) -> bool:
    """Whether a card describes a checkpoint of :func:`diarspk.encoders.stored.write_encoder`."""
    return "architecture" in card


def find_card(name: str | Path | None) -> Path:
    """Find the JSON card of a checkpoint of this package, by the model's name or a path.

    Raises
    ------
    ModelError
        If there is none.
    """
    name = DEFAULT if name is None else name
    embedded = asset_folder() / f"{name}.json"
    if embedded.is_file():
        return embedded
    path = Path(name)
    path = path.with_suffix(".json") if path.suffix == ".safetensors" else path
    if path.is_file():
        return path
    from diarspk.encoders.architectures.registry import ARCHITECTURES

    if str(name) in ARCHITECTURES:
        raise ModelError(
            f"`name` must be a model with weights, got the architecture {name}; give the path of a "
            f"checkpoint of it, or build it untrained with diarspk.encoders.build_encoder"
        )
    known = ", ".join(card.stem for card in sorted(asset_folder().glob("*.json")))
    raise ModelError(
        f"`name` must be a known model ({known}) or the path of a checkpoint, got {name}; "
        "`diarspk models` lists the known ones"
    )


def _frozen(value: object) -> Any:
    """Turn JSON's lists into the tuples that a frozen configuration has."""
    return tuple(value) if isinstance(value, list) else value
