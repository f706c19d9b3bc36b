"""``diarspk diarize --link``, with a tiny encoder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import soundfile

from diarspk.diarization.linking_criterion import LinkingCriterion
from diarspk.formats import read_rttm
from tests.diarspk.cli.conftest import Run
from tests.tiny_model import tone, write_voices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings of each of three people, and one that is none."""
    calls = tmp_path / "calls"
    calls.mkdir()
    write_voices(calls, 2, 4.0)
    (calls / "bad.wav").write_text("no audio")
    return calls


@pytest.fixture(autouse=True)
def criterion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A criterion of the tiny encoder, in cosines."""
    name = "diarspk.diarization.linking_criterion.default_criterion"
    monkeypatch.setattr(name, lambda fingerprint: LinkingCriterion(0.8, 0.1))


def labels(out: Path) -> dict[str, list[str]]:
    return {file.stem: next(iter(read_rttm(file).values())).labels() for file in out.glob("*.rttm")}


PEOPLE = {"ann": "PERSON_00", "ben": "PERSON_01", "eve": "PERSON_02"}
EXPECTED = {f"{name}{take}": [person] for name, person in PEOPLE.items() for take in range(2)}


def test_a_person_has_one_label_in_all_results(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("diarize", folder, "-o", out, "--encoder", tiny, "--link", "--resume")
    done = run(*words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("error: ") == done.stderr.count("not audio") == 1
    assert labels(out) == EXPECTED
    with (out / "people.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["recording"], row["person"]) for row in rows] == [
        (name, person) for name, (person,) in EXPECTED.items()
    ]
    assert all(float(row["score"]) > 0.8 for row in rows)
    before = {file.name: file.read_bytes() for file in out.glob("*.rttm")}
    (folder / "bad.wav").unlink()
    assert run(*words).exit_code == 0
    assert {file.name: file.read_bytes() for file in out.glob("*.rttm")} == before


def test_more_recordings_are_linked_with_those_that_are_done(
    run: Run, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    (folder / "bad.wav").unlink()
    out = tmp_path / "out"
    words = ("diarize", folder, "-o", out, "--encoder", tiny, "--resume")
    assert run(*words).exit_code == 0
    named = out / "eve1.rttm"
    named.write_text(named.read_text().replace("SPEAKER_00", "Eve"))  # by hand
    soundfile.write(folder / "aaa.wav", tone("ben", 4.0, seed=9), 16000)
    done = run(*words, "--link")
    assert (done.exit_code, done.stderr) == (0, "note: 6 of 7 recordings were done before\n")
    found = labels(out)
    assert found["aaa"] == found["ben0"] == found["ben1"] == ["PERSON_00"]
    assert found["ann0"] == found["ann1"] == ["PERSON_01"]
    assert (found["eve0"], found["eve1"]) == (["PERSON_02"], ["Eve"])


def test_json_has_the_labels_everywhere(run: Run, tiny: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = [folder / "eve0.wav", folder / "ann0.wav", folder / "eve1.wav"]
    options = ("--encoder", tiny, "--format", "json", "--vectors")
    assert run("diarize", *given, "-o", out, *options).exit_code == 0
    apart = {file.stem: json.loads(file.read_text()) for file in out.glob("*.json")}
    assert run("diarize", *given, "-o", out, *options, "--link", "--resume").exit_code == 0
    for name, person in (("ann0", "PERSON_00"), ("eve0", "PERSON_01"), ("eve1", "PERSON_01")):
        text = json.dumps(apart[name]).replace("SPEAKER_00", person)
        assert json.loads((out / f"{name}.json").read_text()) == json.loads(text)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--link"], "--link needs -o DIR"),
        (["--link", "-o", "out", "--format", "srt"], "rttm or json"),
        (["--link", "-o", "out", "--shard", "1/2"], "all of the list"),
    ],
)
def test_what_cannot_be_linked_is_a_usage_error(
    run: Run, folder: Path, options: list[str], told: str
) -> None:
    done = run("diarize", folder, *options)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.replace("│", " ").split())


def test_an_encoder_of_which_nothing_is_known_is_told_before_the_work(
    run: Run, tiny: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    done = run("diarize", folder, "-o", tmp_path / "out", "--encoder", tiny, "--link")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "run `diarspk link --threshold COSINE`" in done.stderr
    assert not (tmp_path / "out").exists()
