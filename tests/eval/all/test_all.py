"""All pages of results: commands run once, pages name their models, and no page is of another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from diarspk import load_encoder
from eval.all.__main__ import list_pages, main, measure_pages
from eval.all.page import Page, Step
from eval.all.page_text import find_outdated, format_page, named_models
from eval.all.pages import PAGES
from eval.all.step_runs import StepFailed, StepRun, Workplace
from tests.paths import ROOT
from tests.test_commands import OPTION, help_of
from tse import load_extractor

MODELS = {"encoder": "0123456789abcdef", "extractor": "fedcba9876543210"}

COUNTED = """
import json, sys
from pathlib import Path

words = sys.argv[1:]
calls = Path(words[0]) / "calls.txt"
with calls.open("a") as file:
    file.write("called\\n")
if "--json" in words:
    Path(words[words.index("--json") + 1]).write_text(json.dumps({"figure": 7}))
if "--plot" in words:
    Path(words[words.index("--plot") + 1]).write_text("<svg/>")
if "--read" in words:
    print(json.loads(Path(words[words.index("--read") + 1]).read_text())["figure"])
print("| a | b |")
raise SystemExit(3 if "--fail" in words else 0)
"""

PAGE = Page(
    "one",
    "The first",
    (
        Step("counted {data} --plot {page}/one.svg", "figures"),
        Step("counted {work} --read {json:figures}"),
        Step("counted {work} --quiet", silent=True),
    ),
    minutes=1,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Folders with a space in their names, and a module that counts its calls."""
    folders = [tmp_path / name for name in ("the data", "the work", "results")]
    for folder in folders:
        folder.mkdir()
    (tmp_path / "counted.py").write_text(COUNTED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Workplace(*folders, MODELS)


def calls(folder: Path) -> int:
    return len((folder / "calls.txt").read_text().split())


def test_a_page_has_commands_outputs_models_and_pictures(place: Workplace) -> None:
    assert measure_pages([PAGE], place) == []
    text = (place.output / "one.md").read_text()
    assert text.startswith("# The first\n")
    assert "`python -m counted DATA --plot one/one.svg`" in text
    assert "`python -m counted WORK --read figures.json`\n\n7\n| a | b |" in text
    assert text.count("| a | b |") == 2  # what the silent one prints is left out
    assert text.count("*encoder `0123456789abcdef`; ") == 2
    assert "![one](one/one.svg)" in text
    assert str(place.data.parent) not in text


def test_a_second_call_runs_nothing_again(place: Workplace) -> None:
    measure_pages([PAGE], place)
    before = (place.output / "one.md").read_bytes()
    measure_pages([PAGE], place)
    assert (calls(place.data), calls(place.work)) == (1, 2)
    assert (place.output / "one.md").read_bytes() == before
    measure_pages([PAGE], place, again=True)
    assert (calls(place.data), calls(place.work)) == (2, 4)


def test_another_model_is_measured_anew(place: Workplace) -> None:
    measure_pages([PAGE], place)
    other = Workplace(place.data, place.work, place.output, MODELS | {"encoder": "f" * 16})
    assert [path.name for path, _, _ in find_outdated(place.output, other.models)] == ["one.md"]
    assert "of another model" in list_pages([PAGE], place.output, dict(other.models))
    measure_pages([PAGE], other)
    assert calls(place.data) == 2
    assert list(find_outdated(place.output, other.models)) == []
    assert "current" in list_pages([PAGE], place.output, dict(other.models))


def test_a_command_that_fails_leaves_its_page_and_the_others_go_on(
    place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    (place.output / "broken.md").write_text("as it was")
    broken = Page("broken", "Broken", (Step("counted {data} --fail"),), minutes=1)
    assert measure_pages([broken, PAGE], place) == ["broken"]
    assert (place.output / "broken.md").read_text() == "as it was"
    assert (place.output / "one.md").is_file()
    assert "python -m counted DATA --fail: exit status 3" in capsys.readouterr().err
    with pytest.raises(StepFailed):
        place.run(broken, 0)
    assert calls(place.data) == 3  # a failure is not kept


def test_what_is_cut_off_is_run_again(place: Workplace) -> None:
    place.run(PAGE, 0)
    (kept,) = (place.work / "steps").glob("*.json")
    kept.write_text(kept.read_text()[:40])
    place.run(PAGE, 0)
    assert calls(place.data) == 2
    assert json.loads(kept.read_text())["models"] == {"encoder": MODELS["encoder"]}


def test_pages_have_names_of_their_own_and_their_commands_exist() -> None:
    assert len({page.name for page in PAGES}) == len(PAGES)
    for page in PAGES:
        for step in page.steps:
            module, *words = step.command.split()
            word = words[0] if words and re.fullmatch(r"[a-z]+", words[0]) else None
            known = help_of(module) + (help_of(module, word) if word else "")
            missing = [option for option in OPTION.findall(step.command) if option not in known]
            assert not missing, f"{page.name}: {step.command}: no {missing}"


def test_figures_of_a_step_are_there_for_later_ones() -> None:
    for page in PAGES:
        named: set[str] = set()
        for step in page.steps:
            assert set(re.findall(r"{json:([a-z]+)}", step.command)) <= named, page.name
            named.add(step.name)


def test_models_are_found_where_a_page_names_them(tmp_path: Path) -> None:
    run = StepRun("x", MODELS, "| 1 |", "2026-11-30", "a processor, 2 cores")
    text = format_page(Page("p", "P", (Step("x"),), 1), [run], tmp_path)
    assert named_models(text) == set(MODELS.items())


def test_no_page_of_results_is_of_another_model() -> None:
    models = {"encoder": load_encoder().fingerprint, "extractor": load_extractor().fingerprint}
    assert list(find_outdated(ROOT / "eval" / "results", models)) == []
    summary = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    named = re.search(r"fingerprint `([0-9a-f]{16})`", summary)
    assert named and named[1] == models["encoder"]


def test_the_command_lists_its_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(tmp_path), "--work", str(tmp_path), "--output", str(tmp_path)]
    assert main([*words, "--list", "--pages", "speed"]) == 0
    assert re.search(r"\| speed +\| Speed and memory +\| +8 \| missing", capsys.readouterr().out)
