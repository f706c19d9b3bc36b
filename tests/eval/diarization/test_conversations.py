from __future__ import annotations

from pathlib import Path

import pytest

from diarspk.errors import FormatError
from eval.diarization.conversations import read_conversations


def write_conversation(folder: Path, name: str, *, suffix: str = ".flac") -> None:
    (folder / f"{name}{suffix}").touch()
    (folder / f"{name}.rttm").write_text(
        f"SPEAKER {name} 1 0.0 2.0 <NA> <NA> anna <NA> <NA>\n"
        f"SPEAKER {name} 1 3.0 1.0 <NA> <NA> ben <NA> <NA>\n"
    )
    (folder / f"{name}.uem").write_text(f"{name} 1 0.5 2.5\n")


def test_reads_by_name(tmp_path: Path) -> None:
    for name, suffix in [("second", ".wav"), ("first", ".opus"), ("third", ".flac")]:
        write_conversation(tmp_path, name, suffix=suffix)
    (tmp_path / "notes.txt").touch()
    conversations = read_conversations(tmp_path)
    assert [one.name for one in conversations] == ["first", "second", "third"]
    assert all(one.reference.uri == one.name for one in conversations)


def test_duration_and_speakers_are_those_of_the_scored_part(tmp_path: Path) -> None:
    write_conversation(tmp_path, "meeting")
    (conversation,) = read_conversations(tmp_path)
    assert conversation.duration == pytest.approx(2.0)
    assert conversation.reference.labels() == ["anna", "ben"]
    assert conversation.count_speakers(conversation.reference) == 1


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no recording"):
        read_conversations(tmp_path)


@pytest.mark.parametrize("missing", [".rttm", ".uem"])
def test_recording_without_reference(tmp_path: Path, missing: str) -> None:
    write_conversation(tmp_path, "meeting")
    (tmp_path / f"meeting{missing}").unlink()
    with pytest.raises(FormatError, match=rf"meeting\{missing}: missing"):
        read_conversations(tmp_path)


def test_uem_of_another_recording(tmp_path: Path) -> None:
    write_conversation(tmp_path, "meeting")
    (tmp_path / "meeting.uem").write_text("other 1 0.0 1.0\n")
    with pytest.raises(FormatError, match="no region of `meeting`"):
        read_conversations(tmp_path)
