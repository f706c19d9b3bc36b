"""Lists of recordings: folders, patterns, text, tables, manifests of lhotse, files of Kaldi."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.cli.lists import find_recordings, is_list
from diarspk.cli.recordings import Reader, Recording
from diarspk.cli.result_names import name_results
from diarspk.errors import AudioError, FormatError

RATE = 8000
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writer of a file in a folder of the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str = "") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
        return path

    return write


def paths(*arguments: Path | str) -> list[str]:
    return [str(one.path) for one in find_recordings(map(Path, arguments))]


def fault(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        find_recordings([path])
    return str(caught.value)


def test_a_folder_is_its_recordings_and_those_below_sorted(write: Write) -> None:
    for name in ("a/z.WAV", "a/b/c.mp3", "a/.hidden.wav", "a/.git/x.wav", "a/notes.txt", "a/a.mp4"):
        write(name, "")
    assert paths("a") == ["a/a.mp4", "a/z.WAV", "a/b/c.mp3"]
    write("empty/notes.txt", "")
    with pytest.raises(typer.BadParameter, match="empty holds no recording"):
        find_recordings([Path("empty")])


def test_a_folder_of_films_is_its_films(write: Write) -> None:
    for name in ("a.avi", "b.MTS", "c.m4v", "d.wmv", "notes.txt", "poster.jpg", "subs.srt"):
        folder = write(name, "").parent
    names = [recording.path.name for recording in find_recordings([folder])]
    assert names == ["a.avi", "b.MTS", "c.m4v", "d.wmv"]


def test_a_pattern_is_the_files_that_fit_it_unless_a_file_is_called_so(write: Write) -> None:
    for name in ("b1.wav", "b2.wav", "c/b3.wav"):
        write(name, "")
    assert paths("b*.wav") == ["b1.wav", "b2.wav"]
    assert paths("**/*.wav") == ["b1.wav", "b2.wav", "c/b3.wav"]
    write("b[1].wav", "")
    assert paths("b[1].wav") == ["b[1].wav"]
    with pytest.raises(typer.BadParameter, match=r"no file fits d\*"):
        find_recordings([Path("d*")])


def test_a_recording_is_itself_even_where_it_is_missing_or_stdin() -> None:
    assert paths("no.wav", "-") == ["no.wav", "-"]
    assert not is_list(Path("no.wav")) and not is_list(Path("-"))


def test_a_text_has_a_path_on_each_line(write: Write) -> None:
    write("lists/there.wav", "")
    text = "\ufeff# calls\r\na b.wav\r\n\r\nthere.wav\nr\udce9union.wav\n"
    listing = write("lists/calls.txt", text)
    assert paths(listing) == ["a b.wav", "lists/there.wav", "r\udce9union.wav"]
    write("there.wav", "")
    assert paths(listing)[1] == "there.wav"  # the working directory goes first
    assert fault(write("none.lst", "# nothing\n")) == "none.lst: holds no recording"
    assert fault(write("nul.txt", "a\0b.wav\n")).startswith("nul.txt:1: must name a file, got")
    assert fault(Path("missing.txt")).startswith("missing.txt: cannot be read (No such file")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_headings(write: Write, delimiter: str) -> None:
    rows = [
        ["Audio", "ID", "Channel", "Start", "End", "remark"],
        ["a.wav", "first", "1", "2.5", "4", '"x, y; z"'],
        ["b.wav", "", "", "", "", ""],
    ]
    table = write("calls.csv", "\n".join(map(delimiter.join, rows)))
    assert find_recordings([table]) == [
        Recording(Path("a.wav"), "first", 1, 2.5, 4.0),
        Recording(Path("b.wav")),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.wav\nb.wav\n", "t.csv:1: its first line must name a column path, audio"),
        ("", "t.csv:1: its first line must name a column path, audio"),
        ("path\n\n", "t.csv: holds no recording"),
        ("path,start,end\na.wav,4,2\n", "t.csv:2: must go from a start to a later end"),
        ("path,start\na.wav,-1\n", "t.csv:2: must go from a start to a later end"),
        ("path,end\na.wav,inf\n", "t.csv:2: must go from a start to a later end"),
        ("path,channel\na.wav,left\n", "t.csv:2: channel must be a number from 0 on, got left"),
        ("name,path\na,x.wav\na,y.wav\n", "t.csv:3: the name a stands in line 2 as well"),
        ("name,path\na,\n", "t.csv:2: must name a file, got ''"),
    ],
)
def test_faults_of_a_table_are_told_with_their_line(write: Write, text: str, told: str) -> None:
    assert fault(write("t.csv", text)).startswith(told)


def test_wav_scp_of_kaldi_names_recordings(write: Write) -> None:
    scp = write("data/wav.scp", "call-1 my calls/a.wav\ncall-2\tb.wav\n")
    assert find_recordings([scp]) == [
        Recording(Path("my calls/a.wav"), "call-1"),
        Recording(Path("b.wav"), "call-2"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("c sph2pipe -f wav c.sph |", "is a pipe, and commands are not run"),
        ("c data.ark:120", "must be the path of a recording, got data.ark:120"),
        ("c -", "must be the path of a recording, got -"),
        ("c", "must be a name and a path"),
        ("a c.wav", "the name a stands in line 1 as well"),
    ],
)
def test_what_wav_scp_must_not_hold(write: Write, line: str, told: str) -> None:
    assert fault(write("wav.scp", f"a a.wav\n{line}\n")).startswith(f"wav.scp:2: {told}")


def test_segments_of_kaldi_are_parts_of_recordings(write: Write) -> None:
    write("data/wav.scp", "call a.wav\n")
    segments = write("data/segments", "call-1 call 0.5 2\ncall-2 call 2 3.25\n")
    assert find_recordings([segments]) == [
        Recording(Path("a.wav"), "call-1", start=0.5, end=2.0),
        Recording(Path("a.wav"), "call-2", start=2.0, end=3.25),
    ]
    assert fault(write("data/segments", "x other 0 1\n")) == (
        "data/segments:1: other is not in data/wav.scp"
    )
    assert "must be a name, a recording" in fault(write("data/segments", "x call 0\n"))


def item(**changes: Any) -> dict[str, Any]:
    source = {"type": "file", "channels": [0, 1], "source": "a.wav"}
    known = {"id": "a", "sources": [source], "channel_ids": [0, 1], "duration": 9.0}
    return {**known, **changes}


def cut(**changes: Any) -> dict[str, Any]:
    known = {"id": "c", "start": 1.5, "duration": 2.0, "channel": 1, "recording": item()}
    return {**known, "type": "MonoCut", **changes}


def manifest(path: Path, items: Sequence[object]) -> Path:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, items)).encode()))
    return path


def test_manifests_of_lhotse_are_recordings_and_cuts(write: Write) -> None:
    items = [
        item(),
        cut(),
        cut(id="all", start=0, duration=9.0, channel=[0, 1], type="MultiCut"),
        cut(id="mono", channel=0, recording=item(channel_ids=[0])),
    ]
    assert find_recordings([manifest(Path("m.jsonl.gz"), items)]) == [
        Recording(Path("a.wav"), "a"),
        Recording(Path("a.wav"), "c", 1, 1.5, 3.5),
        Recording(Path("a.wav"), "all"),
        Recording(Path("a.wav"), "mono", None, 1.5, 3.5),
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id": "s", "recording_id": "a", "start": 0, "duration": 1}, "is a supervision; give"),
        ({"id": "x", "tracks": [], "type": "MixedCut"}, "or a cut of one, got MixedCut"),
        (item(sources=[{"type": "command", "source": "cat a.wav"}]), "must be one file a recor"),
        (item(sources=[{"type": "url", "source": "https://a"}]), "must be one file a recording"),
        (item(transforms=[{"name": "Speed"}]), "has transforms, which are not applied here"),
        (cut(start=-1), "start must be seconds from 0 on, got -1"),
        (cut(duration=0), "has no duration"),
        (cut(duration="long"), "duration must be seconds from 0 on, got 'long'"),
        ({"sources": []}, "has no id"),
        ([1], "must be a JSON object"),
    ],
)
def test_what_a_manifest_must_not_hold(write: Write, wrong: object, told: str) -> None:
    text = fault(manifest(Path("m.jsonl.gz"), [item(id="first"), wrong]))
    assert text.startswith("m.jsonl.gz:2: ") and told in text
    Path("m.jsonl.gz").write_bytes(gzip.compress(b"{}")[:-4])
    assert "cannot be read" in fault(Path("m.jsonl.gz"))


def test_manifests_that_lhotse_writes(write: Write) -> None:
    lhotse = pytest.importorskip("lhotse", reason="lhotse is not installed")
    soundfile.write("two.wav", np.zeros((RATE * 4, 2)), RATE)
    recording = lhotse.Recording.from_file("two.wav", recording_id="two")
    recordings = lhotse.RecordingSet.from_recordings([recording])
    recordings.to_file("recordings.jsonl.gz")
    cuts = lhotse.CutSet.from_manifests(recordings=recordings)
    cuts.to_file("cuts.jsonl.gz")
    lhotse.CutSet.from_cuts([recording.to_cut().truncate(offset=1, duration=2)]).to_file(
        "part.jsonl"
    )
    whole = Recording(Path("two.wav"), "two")
    assert find_recordings([Path("recordings.jsonl.gz")]) == [whole]
    (found,) = find_recordings([Path("cuts.jsonl.gz")])
    assert (found.path, found.channel, found.whole) == (Path("two.wav"), None, True)
    (part,) = find_recordings([Path("part.jsonl")])
    assert (part.start, part.end) == (1.0, 3.0)


@settings(deadline=None)
@given(st.floats(0, 3), st.floats(0.01, 3))
def test_a_part_is_what_is_cut_out_of_the_whole(start: float, duration: float) -> None:
    from diarspk.audio import open_audio
    from diarspk.audio.clip import clip

    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 16000 * 3)).astype(np.float32)
    stream = open_audio(wave, 16000)
    end = start + duration
    first, last = round(start * 16000), round(end * 16000)
    expected = wave.mean(0)[first:last]
    part = clip(stream, start, end)
    if not expected.size:
        return
    if end > 3.1:
        with pytest.warns(match="truncated"):
            found = np.concatenate(list(part.blocks()))
    else:
        found = np.concatenate(list(part.blocks()))
    assert np.allclose(found, expected, atol=1e-6)
    assert part.duration == pytest.approx(min(end, 3.0) - start)


def test_a_part_beyond_the_end_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, np.zeros(RATE * 2), RATE)
    stream = Reader().open_part(Recording(file, start=2.5, end=3.0), "x")
    assert stream.name == "x"
    with pytest.raises(AudioError, match=r"starts at 2\.5 s is not there, .* ends at 2\.00 s"):
        list(stream.blocks())


LISTS = ["l.txt", "l.csv", "l.tsv", "l.jsonl", "l.jsonl.gz", "wav.scp", "segments"]
PIECES = st.sampled_from(
    [
        *(b"path", b"name", b"start", b"a.wav", b"1", b"-1", b"nan", b"1e999", b",", b";", b"\t"),
        *(b" ", b"\n", b"\r\n", b"\0", b"\xff", b'"', b"|", b"#", b"{", b"}", b"[", b"]", b"null"),
        *(b'{"id": "a", "sources": [{"type": "file", "source": "a.wav"}]}\n', b"\xef\xbb\xbf"),
        *(b'{"id": 1, "start": 0, "duration": 1, "channel": 0, "recording": {"duration": 2', b":"),
        *(b'"sources": [{"type": "file", "source": "a"}]', b"true", b"a a 0 1\n", b"9" * 5000),
    ]
)


@pytest.mark.parametrize("name", LISTS)
@settings(deadline=None)
@given(pieces=st.lists(PIECES, max_size=30).map(b"".join))
def test_a_damaged_list_is_read_or_refused_in_one_line(
    name: str, pieces: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    (folder / "wav.scp").write_text("a a.wav\n")
    listing = folder / name
    listing.write_bytes(gzip.compress(pieces) if name.endswith(".gz") else pieces)
    try:
        found = find_recordings([listing])
    except FormatError as error:
        assert str(error).startswith(str(folder))
    else:
        assert all(0 <= one.start < (one.end or np.inf) for one in found)
        name_results(found)
