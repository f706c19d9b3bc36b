"""The examples run on a recording of two people and print what they promise."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from xml.etree import ElementTree

import grimp
import numpy as np
import pytest
import soundfile

import diarspk
from diarspk.formats import read_rttm

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

ARGUMENTS = {
    "diarize_meeting": ["meeting.wav", "--max-speakers", "3", "-o", "out.rttm"],
    "identify_speakers": ["meeting.wav", "alice=alice.wav", "bob=bob.wav"],
    "correct_result": ["meeting.wav"],
    "score_result": ["reference.rttm", "hypothesis.rttm", "-o", "errors.svg"],
    "verify_voices": ["alice.wav", "bob.wav"],
    "extract_voice": ["mixture.wav", "alice.wav", "-o", "voice.wav"],
}


def run(script: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: object) -> str:
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    runpy.run_path(str(script), run_name="__main__")
    assert isinstance(capsys, pytest.CaptureFixture)
    return str(capsys.readouterr().out)


def test_every_example_is_executed_here() -> None:
    assert {script.stem for script in EXAMPLES} == set(ARGUMENTS)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_an_example_runs(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run(script, ARGUMENTS[script.stem], monkeypatch, capsys)
    check = globals().get(f"check_{script.stem}")
    assert check is not None
    check(printed)


def check_diarize_meeting(printed: str) -> None:
    (written,) = read_rttm("out.rttm").values()
    turns = [line for line in printed.splitlines() if line.startswith(" ")]
    assert len(turns) == len(list(written.itertracks()))
    assert all(f"{label} talks for" in printed for label in written.labels())


def check_identify_speakers(printed: str) -> None:
    named = dict(line.split(": ", 1) for line in printed.splitlines())
    assert {"alice", "bob"} <= set(named)
    assert all(f"nearest to {name}" in named[name] for name in ("alice", "bob"))


def check_correct_result(printed: str) -> None:
    rows = {line.split()[0]: line.count(" s") for line in printed.splitlines()}
    assert (rows["two"], rows["parted"], rows["merged"], rows["renamed"]) == (2, 3, 2, 2)
    assert "Alice" in printed.splitlines()[-1]
    assert "Bob" in printed.splitlines()[-1]


def check_score_result(printed: str) -> None:
    assert printed.startswith("DER 0.0%")  # the hypothesis is the reference itself
    assert ElementTree.parse("errors.svg").getroot().tag.endswith("svg")


def check_verify_voices(printed: str) -> None:
    cosine, probability = read_verification(printed)
    assert -1.0 <= cosine <= 1.0
    assert 0.0 <= probability <= 1.0


def read_verification(printed: str) -> tuple[float, float]:
    first, second = printed.splitlines()
    return float(first.split()[1]), float(second.split()[-1])


@pytest.mark.usefixtures("workspace")
def test_one_person_is_more_like_herself_than_like_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ROOT / "examples" / "verify_voices.py"
    same = read_verification(run(script, ["alice.wav", "alice-2.wav"], monkeypatch, capsys))
    other = read_verification(run(script, ["alice.wav", "bob.wav"], monkeypatch, capsys))
    assert same > other


def check_extract_voice(printed: str) -> None:
    voice, rate = soundfile.read("voice.wav")
    mixture, _ = soundfile.read("mixture.wav")
    assert (len(voice), rate) == (len(mixture), 16000)
    after, before = (float(word.rstrip(",")) for word in printed.split() if "0." in word)
    assert after > before


def test_the_picture_of_a_meeting_has_a_bar_for_every_turn(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = ROOT / "docs" / "pictures" / "draw_meeting.py"
    arguments = ["meeting.wav", "--reference", "reference.rttm", "-o", "meeting.svg"]
    run(script, arguments, monkeypatch, capsys)
    tips = [
        tip.text or ""
        for tip in ElementTree.parse("meeting.svg").iter("{http://www.w3.org/2000/svg}title")
    ]
    result = diarspk.Diarizer()(workspace / "meeting.wav")
    assert sum("confidence" in tip for tip in tips) == len(list(result.annotation.itertracks()))
    assert "reference" in tips


def test_the_pictures_of_the_architecture_are_those_that_the_script_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT / "docs" / "pictures"
    run(folder / "draw_architecture.py", [str(tmp_path)], monkeypatch, capsys)
    drawn = sorted(tmp_path.glob("*.svg"))
    assert len(drawn) == 3
    for picture in drawn:
        assert picture.read_text() == (folder / picture.name).read_text()


def test_no_import_goes_up_in_the_drawing_of_the_floors() -> None:
    floors = runpy.run_path(str(ROOT / "docs" / "pictures" / "draw_architecture.py"))["FLOORS"]
    floor_of = {package: number for number, row in enumerate(floors) for package in row}
    graph = grimp.build_graph("recipes", "eval", "tse", "diarspk", cache_dir=None)

    def package(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:2]) if parts[0] == "diarspk" else parts[0]

    folders = {p for module in graph.modules if graph.find_children(p := package(module))}
    assert folders - {"diarspk"} == set(floor_of)
    upwards = {
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if floor_of.get(package(imported), 99) <= floor_of.get(package(importer), -1)
        if package(imported) != package(importer)
    }
    assert upwards == set()


@pytest.mark.filterwarnings("default")  # the kernel's own packages warn
def test_the_notebook_runs_from_top_to_bottom(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("DIARSPK_RECORDING", str(workspace / "meeting.wav"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "examples" / "tour.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300).execute(cwd=str(workspace))
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/svg+xml" in output.get("data", {})
    ]
    assert pictures


def test_the_notebook_is_committed_with_its_outputs_and_without_errors() -> None:
    cells = json.loads((ROOT / "examples" / "tour.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert outputs
    assert not any(output["output_type"] == "error" for output in outputs)
    assert np.all([cell.get("execution_count") for cell in cells if cell["cell_type"] == "code"])
