"""The names users rely on: a change here is a change for all of them."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import diarspk

PUBLIC = {
    "Diarization",
    "Diarizer",
    "DiarizerConfig",
    "FrameEmbeddings",
    "SpeakerEncoder",
    "StreamingDiarizer",
    "assign_speakers",
    "available_models",
    "load_encoder",
    "score",
}

MODULES = sorted(module.name for module in pkgutil.walk_packages(diarspk.__path__, "diarspk."))


def test_the_top_level_has_these_names_and_no_others() -> None:
    assert set(diarspk.__all__) == PUBLIC
    assert all(getattr(diarspk, name) is not None for name in PUBLIC)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    missing = [public for public in module.__all__ if not hasattr(module, public)]
    assert not missing
    assert module.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        diarspk.nonsense  # noqa: B018
