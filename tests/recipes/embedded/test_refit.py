"""Everything that is fitted to the embedded model, in its order, and only what is not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diarspk.checkpoints.assets import asset_folder
from diarspk.errors import ArgumentError, DiarspkError
from recipes.embedded.refit import STEPS, Place, RefitStep, main, run_steps
from tests.paths import ROOT
from tests.test_commands import OPTION, help_of

WRITER = """
import sys
from pathlib import Path

*files, last = sys.argv[1:]
for file in (*files, last):
    if file == "--fail":
        raise SystemExit(5)
    if file != "--nothing":
        Path(file).write_text(f"fitted to {last}")
"""


def step(name: str, *words: str) -> RefitStep:
    """A step that writes a file of its name, by a command with these further words."""
    file = "{work}-" + name + "/{print}.json"
    return RefitStep(name, (" ".join(["writer", *words, file]),), (file,), minutes=1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "writer.py").write_text(WRITER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    work = tmp_path / "the work"
    for name in ("one", "two", "three"):
        (work / f"abc-{name}").mkdir(parents=True)
    return Place(tmp_path, tmp_path, work, "abc")


def test_what_is_missing_is_fitted_and_what_is_there_left_alone(place: Place) -> None:
    steps = [step("one"), step("two"), step("three")]
    kept = place.work / "abc-two" / "abc.json"
    kept.write_text("as it was")
    assert run_steps(steps, place) == ["one", "three"]
    assert kept.read_text() == "as it was"
    assert run_steps(steps, place) == []
    assert run_steps(steps, place, again=True) == ["one", "two", "three"]
    assert kept.read_text().startswith("fitted to")


def test_another_encoder_is_fitted_anew(place: Place) -> None:
    run_steps([step("one")], place)
    other = replace(place, fingerprint="def")
    (place.work / "def-one").mkdir()
    assert run_steps([step("one")], other) == ["one"]


def test_a_step_that_fails_stops_those_after_it_and_a_later_call_goes_on(place: Place) -> None:
    steps = [step("one"), step("two", "--fail"), step("three")]
    with pytest.raises(DiarspkError, match="two: writer ended with exit status 5"):
        run_steps(steps, place)
    assert not (place.work / "abc-three" / "abc.json").exists()
    assert run_steps([steps[0], step("two"), steps[2]], place) == ["two", "three"]


def test_a_command_that_has_not_written_its_file_is_an_error(place: Place) -> None:
    nothing = RefitStep("one", ("writer --nothing",), ("{work}-one/{print}.json",), minutes=1)
    with pytest.raises(DiarspkError, match="one: ran, but has not written"):
        run_steps([nothing], place)


def test_a_step_that_needs_the_encoder_before_says_so(place: Place) -> None:
    (extractor,) = (step for step in STEPS if step.name == "extractor")
    with pytest.raises(ArgumentError, match="`previous` must be the card of the encoder before"):
        extractor.run(place)


def test_the_steps_cover_every_kind_of_asset_that_is_named_after_the_encoder() -> None:
    written = " ".join(file for step in STEPS for file in step.files)
    trained = {"frames", "targets"}  # heads, by export_head
    adopted = {"clustering"}  # settings of other spaces, by recipes.adopt
    for package, place in (("diarspk", "{assets}"), ("tse", "{tse}")):
        kinds = {path.name for path in asset_folder(package).iterdir() if path.is_dir()}
        for kind in kinds - trained - adopted:
            assert f"{place}/{kind}/{{print}}" in written


def test_commands_of_all_steps_exist_and_have_their_options() -> None:
    for one in STEPS:
        for text in one.commands:
            module = text.split()[0]
            missing = [option for option in OPTION.findall(text) if option not in help_of(module)]
            assert not missing, f"{one.name}: {text}: no {missing}"


def test_the_command_lists_what_is_of_the_embedded_encoder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--data", str(ROOT), "--packed", str(tmp_path), "--work", str(tmp_path)]
    assert main([*folders, "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == [step.name for step in STEPS]
    missing = {line.split("|")[1].strip() for line in lines if line.split("|")[3].strip() != "yes"}
    assert missing <= {"accurate"}  # without its download nobody knows
