"""Keys of clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.errors import ArgumentError
from diarspk.server import KeyRing
from diarspk.server.keys import ENVIRONMENT
from tests.diarspk.server.running_server import KEY

KEYS = st.text("abcXYZ019-_", min_size=16, max_size=40)


@settings(max_examples=30)
@given(st.lists(KEYS, unique=True, min_size=1, max_size=5), st.text(max_size=40))
def test_each_key_has_an_owner_of_its_own_and_no_other_text_has_one(
    keys: list[str], other: str
) -> None:
    ring = KeyRing.of(keys)
    owners = [ring.owner(f"Bearer {key}") for key in keys]
    assert None not in owners
    assert len(set(owners)) == len(keys)
    if other.strip() not in keys:
        assert ring.owner(f"Bearer {other}") is None
        assert ring.owner(other) is None
    assert ring.owner(None) is None


def test_a_key_is_kept_as_a_digest_and_shown_to_nobody() -> None:
    ring = KeyRing.of([KEY])
    assert KEY not in repr(ring)
    assert KEY.encode() not in ring.digests[0]


def test_without_keys_everybody_is_one_owner() -> None:
    assert KeyRing().owner(None) == KeyRing().owner("Bearer anything") == ""


def test_keys_are_read_from_a_file_and_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"\ufeff# mine\n\n{KEY}\n", encoding="utf-8")
    ring = KeyRing.read(file, {ENVIRONMENT: "another-key-of-mine-1, another-key-of-mine-2"})
    for key in (KEY, "another-key-of-mine-1", "another-key-of-mine-2"):
        assert ring.owner(f"Bearer {key}")
    assert not KeyRing.read(None, {})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"short\n", "key 1 is not"),
        (b"a key with spaces in it\n", "key 1 is not"),
        ("a-key-with-an-umlaut-ä\n".encode(), "key 1 is not"),
        (b"# nothing\n", "holds no key"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_without_strong_keys_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "keys").write_bytes(content)
    with pytest.raises(ArgumentError, match=told) as refused:
        KeyRing.read(tmp_path / "keys", {})
    assert "\n" not in str(refused.value)
    assert "short" not in str(refused.value).replace("shorter", "")
