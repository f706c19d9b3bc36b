"""Names of results: no two the same, whatever the recordings are called."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from diarspk.cli.recordings import Recording
from diarspk.cli.result_names import name_results


def named(*recordings: str | Recording, suffix: str = ".rttm") -> list[tuple[str, str]]:
    given = [Recording(Path(one)) if isinstance(one, str) else one for one in recordings]
    return [(one.name, one.stem) for one in name_results(given, suffix)]


def test_a_result_is_named_after_its_file() -> None:
    assert named("x/a b.wav", "réunion.mp3", "-") == [
        ("a b", "a b"),
        ("réunion", "réunion"),
        ("stdin", "stdin"),
    ]


def test_files_of_one_name_have_their_folders_in_theirs() -> None:
    assert named("d/monday/call.wav", "d/tuesday/call.wav", "d/other.wav") == [
        ("monday_call", "monday_call"),
        ("tuesday_call", "tuesday_call"),
        ("other", "other"),
    ]
    assert named("d/call.wav", "d/x/call.wav") == [("call", "call"), ("x_call", "x_call")]


def test_files_that_differ_by_their_suffix_have_it_in_theirs() -> None:
    assert [name for name, _ in named("a.wav", "a.flac", "A.ogg")] == ["a.wav", "a.flac", "A.ogg"]


def test_a_recording_that_is_named_twice_is_done_once() -> None:
    assert named("a.wav", "./a.wav", "x/../a.wav") == [("a", "a")]


def test_parts_and_channels_of_a_file_have_them_in_their_names() -> None:
    file = Path("d/a.wav")
    parts = [Recording(file, start=0.5), Recording(file, end=2.0), Recording(file, end=2.001)]
    assert named(*parts) == [
        ("a_0.50-end", "a_0.50-end"),
        ("a.wav_0.00-2.00", "a.wav_0.00-2.00"),
        ("a.wav_0.00-2.00", "a.wav_0.00-2.00-2"),
    ]
    sides = [Recording(file, channel=channel) for channel in (0, 1)]
    assert [name for name, _ in named(*sides)] == ["a_channel-0", "a_channel-1"]
    others = [replace(side, path=Path("e/a.wav")) for side in sides]
    assert [name for name, _ in named(*sides, *others)] == [
        *("d_a_channel-0", "d_a_channel-1", "e_a_channel-0", "e_a_channel-1"),
    ]


def test_names_for_very_many_are_found_in_time() -> None:
    began = time.process_time()
    same = [Recording(Path("a.wav"), start=number / 1e4) for number in range(20000)]
    assert len({stem for _, stem in named(*same)}) == 20000
    assert time.process_time() - began < 20


def test_names_of_a_list_are_kept_and_their_files_are_valid() -> None:
    first = Recording(Path("a.wav"), "Talk/1 ü")
    assert named(first, "talk_1_ü.wav") == [
        ("Talk/1 ü", "Talk_1_ü-2"),
        ("talk_1_ü", "talk_1_ü"),
    ]


def test_the_name_of_the_report_is_left_to_it() -> None:
    assert named("report.wav", suffix=".rttm") == [("report", "report")]
    assert named("Report.wav", "report-1-of-2.wav", suffix=".csv") == [
        ("Report", "_Report"),
        ("report-1-of-2", "_report-1-of-2"),
    ]


PATHS = st.builds(
    lambda folders, stem, suffix: Path(*folders, f"{stem}{suffix}"),
    st.lists(st.sampled_from("xyX"), max_size=2),
    st.sampled_from(["a", "A", "a_b", "é", "e\u0301", "x_a", "report", "a.b", " "]),
    st.sampled_from([".wav", ".flac", ""]),
)
RECORDINGS = st.lists(st.builds(Recording, PATHS, st.sampled_from(["", "", "a", "x/a", "con"])))


@given(RECORDINGS)
def test_no_two_recordings_share_a_file_on_any_system(recordings: list[Recording]) -> None:
    found = name_results(recordings, ".csv")
    files = [unicodedata.normalize("NFC", one.stem).casefold() for one in found]
    assert len(set(files)) == len(files) == len(name_results(recordings * 2, ".csv"))
    assert not any("/" in one.stem for one in found)
    assert found == name_results(recordings, ".csv")
