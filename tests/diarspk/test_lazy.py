"""Names that are imported when they are first used."""

from __future__ import annotations

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
