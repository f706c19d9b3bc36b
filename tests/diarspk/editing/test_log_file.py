"""Logs on disk: whole or not at all, and a clear line for every file that is none."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from diarspk.editing import EditedDiarization
from diarspk.errors import ArgumentError, FormatError
from tests.diarspk.editing.meetings import edit
from tests.full_disk import content_of, limited_files
from tests.paths import ROOT

MEETING = [(0.0, 4.0, "A"), (4.0, 9.0, "B"), (8.0, 12.0, "C")]

GOLDEN = """\
{"format": "diarspk-edits", "version": 1, "uri": "meeting", "duration": 30.0, "turns": 3, \
"done": 3, "undone": 1}
{"number": 0, "start": 0.0, "end": 4.0, "speaker": "A"}
{"number": 1, "start": 4.0, "end": 9.0, "speaker": "B"}
{"number": 2, "start": 8.0, "end": 12.0, "speaker": "C"}
{"op": "rename", "names": {"A": "Ren\u00e9"}}
{"op": "split_turn", "turn": 1, "at": 6.5, "new": 3}
{"op": "reassign", "turns": [3], "speaker": "Ren\u00e9"}
{"op": "delete", "turns": [2]}
"""


@pytest.fixture
def edited():
    begun = edit(*MEETING).rename({"A": "Ren\u00e9"}).split_turn(1, 6.5)
    return begun.reassign(3, "Ren\u00e9").delete(2).undo()


def test_a_log_is_lines_of_json(edited, tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    edited.save(file)
    assert file.read_text(encoding="utf-8") == GOLDEN


def test_a_loaded_log_goes_on_where_it_was_saved(edited, tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    file.write_text(GOLDEN, encoding="utf-8")
    loaded = EditedDiarization.load(file)
    assert loaded == edited
    assert loaded.redo().turns == edited.redo().turns
    assert loaded.undo().undo().undo().turns == edit(*MEETING).turns
    assert loaded.uri == "meeting"
    for written in (edited, loaded):
        written.write(tmp_path / f"{len(content_of(tmp_path))}.rttm")
    one, other = (file.read_bytes() for file in sorted(tmp_path.glob("*.rttm")))
    assert one == other


def test_loading_needs_neither_torch_nor_a_model(edited, tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    edited.save(file)
    program = (
        "import sys; from diarspk.editing import EditedDiarization; "
        f"edited = EditedDiarization.load({str(file)!r}).undo(); "
        f"edited.write({str(tmp_path / 'meeting.rttm')!r}); "
        "print(len(edited.turns), 'torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["4", "False"]


LINES = GOLDEN.splitlines()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([], "1: is no JSON"),
        (["SPEAKER meeting 1 0.0 1.0 <NA> <NA> A <NA> <NA>"], "1: is no JSON"),
        (["[]"], "1: is no log of edits"),
        ([LINES[0].replace("diarspk-edits", "other"), *LINES[1:]], "1: is no log of edits"),
        ([LINES[0].replace('version": 1', 'version": 2')], "1: is of version 2, .* update diarspk"),
        ([LINES[0].replace('version": 1', 'version": "1"')], "1: `version` must be a whole number"),
        ([LINES[0].replace('turns": 3', 'turns": -3')], "1: `turns` must be a number of lines"),
        ([LINES[0].replace('"meeting"', "7")], "1: `uri` must be the name of a recording"),
        ([LINES[0].replace("30.0", "NaN"), *LINES[1:]], "1: is no JSON"),
        ([LINES[0].replace("30.0", "10.0"), *LINES[1:]], "1: `end` must be at most 10.000"),
        (LINES[:-1], "is cut off"),
        ([*LINES, LINES[-1]], "9: there are more lines"),
        ([*LINES[:2], LINES[2][:30], *LINES[3:]], "3: is no JSON"),
        ([*LINES[:2], LINES[2].replace("9.0", "3.0"), *LINES[3:]], "3: `end` must be after"),
        ([*LINES[:2], LINES[1], *LINES[3:]], "1: `new` must be a number that no other turn has"),
        ([*LINES[:6], LINES[6].replace("[3]", "[9]"), *LINES[7:]], "7: `turn` must be one of this"),
        ([*LINES[:7], LINES[7].replace("delete", "explode")], "8: `op` must be among"),
        ([*LINES[:7], "[" * 100_000], "8: is no JSON"),
    ],
)
def test_what_is_no_log_is_told_with_its_line(tmp_path, lines, text):
    file = tmp_path / "meeting.edits.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(FormatError, match=text) as caught:
        EditedDiarization.load(file)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{file}:")


def test_files_that_cannot_be_read_or_written(edited, tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        EditedDiarization.load(tmp_path / "absent.jsonl")
    for path in (None, 7, "a\0b"):
        for use in (edited.save, EditedDiarization.load):
            with pytest.raises(ArgumentError, match="`path` must be a name or a path"):
                use(path)
    with pytest.raises(FormatError, match="cannot be opened"):
        EditedDiarization.load(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(GOLDEN.encode("latin-1"))
    with pytest.raises(FormatError, match="not UTF-8"):
        EditedDiarization.load(tmp_path / "latin.jsonl")
    with pytest.raises(FormatError, match="cannot be written"):
        edited.save(tmp_path / "no folder" / "meeting.edits.jsonl")


def test_a_full_disk_leaves_the_old_file(edited, tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    edited.save(file)
    before = content_of(tmp_path)
    with limited_files(100), pytest.raises(FormatError, match="cannot be written"):
        edited.redo().save(file)
    assert content_of(tmp_path) == before


SAVE_FOR_EVER = """
import sys
from diarspk.editing import EditedDiarization
first = EditedDiarization.load(sys.argv[1])
second = first.add_turn(1.0, 2.0, "Zoe")
while True:
    second.save(sys.argv[1])
    first.save(sys.argv[1])
    print(flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_save_leaves_the_old_file_or_the_new_one(tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    begun = edit(*((second / 10, second / 10 + 0.2, "A") for second in range(250)))
    allowed = {begun.turns, begun.add_turn(1.0, 2.0, "Zoe").turns}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for wait in (0.0, 0.003, 0.011):
        begun.save(file)
        saver = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(file)],
            env=environment,
            stdout=subprocess.PIPE,
        )
        saver.stdout.readline()  # it has saved for the first time
        time.sleep(wait)
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
        assert EditedDiarization.load(file).turns in allowed


def test_every_line_is_json_of_its_own(edited, tmp_path):
    file = tmp_path / "meeting.edits.jsonl"
    edited.rename({"B": 'line\u2028separator \x85 and \\ "quotes"'}).save(file)
    documents = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    assert len(documents) == 1 + 3 + 4
    assert EditedDiarization.load(file).speakers[1].startswith("line separator")
