"""Names that are imported when they are first used."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import diarspk
import tse
from diarspk.lazy import lazy_names


def test_names_come_from_their_homes() -> None:
    find, names = lazy_names("package", {"sqrt": "math", "Path": "pathlib"}, "__version__")
    assert find("Path") is Path
    assert find("sqrt")(9) == 3
    assert names() == ["Path", "__version__", "sqrt"]
    with pytest.raises(AttributeError, match="module 'package' has no attribute 'cbrt'"):
        find("cbrt")


@pytest.mark.parametrize("package", [diarspk, tse])
def test_packages_list_what_is_public(package: object) -> None:
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="nonsense"):
        package.nonsense  # noqa: B018


PACKAGES = [
    module.name
    for package in (diarspk, tse)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if module.ispkg
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_of_a_package_is_there(name: str) -> None:
    package = importlib.import_module(name)
    for public in getattr(package, "__all__", ()):
        assert getattr(package, public) is not None
