"""The table of cues: what it reads, what it leaves missing, and where things lie in the picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diarspk.errors import FormatError
from eval.cues.__main__ import main, merge
from eval.cues.plot import scale_columns
from eval.cues.results import EXTRACTION, INTRA_SESSION, VERIFICATION, read_figures
from eval.cues.table import Column, CueTable, Figure

OWN = ("diarspk", "utterance")
PEER = ("resemblyzer", "utterance")

DOCUMENTS: dict[str, dict[str, Any]] = {
    "verification": {
        "results": [
            {"system": "diarspk", "crop": "whole", "equal_error_rate": 0.04},
            {"system": "diarspk", "crop": "2 s", "equal_error_rate": 0.05},
            {"system": "resemblyzer", "crop": "whole", "equal_error_rate": 0.065},
            {"system": "diarspk", "crop": "4 s", "equal_error_rate": 0.03},
        ]
    },
    "intra_session": {
        "results": {
            "diarspk": {"combined": {"pooled_eer": {"value": 0.12}}},
            "resemblyzer": {"clean": {"pooled_eer": {"value": 0.1}}},
        }
    },
    "diarization": {
        "results": [
            {"system": "diarspk", "collection": "ami", "der": 0.2},
            {"system": "diarspk:encoder=resnet34", "collection": "ami", "der": 0.3},
            {"system": "diarspk:silero", "collection": "ami", "der": 0.4},
            {"system": "diarspk", "collection": "ami", "reference": "mfa", "der": 0.6},
            {"system": "baseline", "collection": "ami", "der": 0.5},
        ]
    },
    "correlation": {
        "encoders": [
            {
                "encoder": "embedded-64",
                "degraded": False,
                "measures": {
                    "eer conventional": 0.05,
                    "eer combined": 0.13,
                    "der oracle ahc": 0.15,
                    "der system ahc": 0.2,
                },
            },
            {"encoder": "noisy", "degraded": True, "measures": {"eer combined": 0.4}},
        ]
    },
    "extraction": {
        "runs": [
            {"condition": "clean-2", "summary": {"improvement_db": 9.5}},
            {"condition": "clean-2, wrong enrolment", "summary": {"improvement_db": -20.0}},
        ]
    },
    "extraction_study": {
        "cells": [
            {"cue": "frames", "summary": {"improvement_db": 8.0}},
            {"cue": "frames", "summary": {"improvement_db": 8.5}},
            {"cue": "one-hot", "summary": {"improvement_db": 10.0}},
        ]
    },
    "probes robustness": {
        "robustness": [
            {"system": "s", "cue": "c", "family": "clean", "equal_error_rate": 0.0},
            {"system": "s", "cue": "c", "family": "noise", "equal_error_rate": 0.1},
            {"system": "s", "cue": "c", "family": "room", "equal_error_rate": 0.2},
        ]
    },
    "probes carried": {
        "carried": [
            {
                "system": "diarspk",
                "cue": "utterance",
                "equal_error_rate": 0.041,
                "probes": [
                    {"task": "gender", "measure": "balanced accuracy", "value": 0.9},
                    {"task": "pitch", "measure": "R2", "value": 0.6},
                ],
                "disentanglement": None,
            }
        ]
    },
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for kind, document in DOCUMENTS.items():
        found[kind] = tmp_path / f"{kind.replace(' ', '-')}.json"
        found[kind].write_text(json.dumps(document))
    return found


def values(kind: str, files: dict[str, Path], encoder: str = "") -> dict[Any, float]:
    found = read_figures(kind, files[kind], encoder)
    return {(row, column.name): figure.value for (row, column), figure in found.items()}


def test_what_other_commands_wrote(files: dict[str, Path]) -> None:
    assert values("verification", files) == {
        (OWN, VERIFICATION.name): 0.04,
        (OWN, "verification EER, 2 s"): 0.05,
        (PEER, VERIFICATION.name): 0.065,
    }
    assert values("intra_session", files) == {(OWN, INTRA_SESSION.name): 0.12}
    # Another segmentation is no encoder, and neither is another diarizer.
    assert values("diarization", files) == {
        (OWN, "DER ami"): 0.2,
        (OWN, "DER ami (mfa)"): 0.6,
        (("resnet34", "utterance"), "DER ami"): 0.3,
    }
    assert values("correlation", files) == {
        (("diarspk", "utterance-64"), VERIFICATION.name): 0.05,
        (("diarspk", "utterance-64"), INTRA_SESSION.name): 0.13,
        (("diarspk", "utterance-64"), "DER oracle ahc"): 0.15,
    }
    assert values("extraction", files, "mine") == {
        (("mine", "utterance"), f"{EXTRACTION.name} clean-2"): 9.5
    }
    assert values("extraction_study", files, "mine") == {
        (("mine", "frame sequence"), f"{EXTRACTION.name} clean-2"): 8.5,
        (("controls", "one-hot"), f"{EXTRACTION.name} clean-2"): 10.0,
    }
    degraded = values("probes robustness", files)
    assert degraded == {(("s", "c"), "degraded EER"): pytest.approx(0.15)}
    assert values("probes carried", files) == {
        (OWN, VERIFICATION.name): 0.041,
        (OWN, "gender"): 0.9,
        (OWN, "pitch R2"): 0.6,
    }


def test_a_file_of_another_command(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"eval\.intra_session"):
        read_figures("intra_session", files["verification"])
    with pytest.raises(FormatError, match="cannot be opened"):
        read_figures("verification", tmp_path / "none.json")


LOW, HIGH, NONE = Column("eer", "low"), Column("gain", "high", "dB"), Column("age", "none")


def table() -> CueTable:
    rows = [("a", "x"), ("a", "y"), ("b", "x")]
    cells = {
        (rows[0], "eer"): 0.1,
        (rows[1], "eer"): 0.3,
        (rows[2], "eer"): 0.2,
        (rows[1], "gain"): 5.0,
        (rows[2], "gain"): 7.0,
        (rows[0], "age"): 0.5,
        (rows[1], "age"): float("nan"),
    }
    figures = {key: Figure(value, "f.json") for key, value in cells.items()}
    return CueTable(rows, [LOW, HIGH, NONE], figures)


def test_what_is_missing_stays_so() -> None:
    found = table()
    lines = found.markdown().splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "a",
        "x",
        "10.0",
        "-",
        "50.0",
    ]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == [
        "a",
        "y",
        "30.0",
        "5.00",
        "-",
    ]
    assert set(found.missing) == {
        (("a", "x"), "gain"),
        (("a", "y"), "age"),
        (("b", "x"), "age"),
    }
    assert "3 of 9 figures are missing" in found.conclude()
    stored = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert stored["rows"][0]["figures"]["gain"] is None
    assert stored["rows"][0]["figures"]["eer"] == {"value": 0.1, "source": "f.json"}


def test_the_best_is_named_where_there_is_one() -> None:
    found = table()
    assert found.best(LOW) == ("a", "x") and found.best(HIGH) == ("b", "x")
    assert found.best(NONE) is None
    assert "No cue is best for all of these 2 uses." in found.conclude()
    alone = CueTable(found.rows[2:], found.columns, found.figures)
    assert alone.best(LOW) is None and "best" not in alone.conclude()
    assert CueTable([], [], {}).markdown() == "No cue was measured."


def test_places_by_hand() -> None:
    columns, places = scale_columns(table())
    assert [column.name for column in columns] == ["eer", "gain"]  # of ages one is known
    np.testing.assert_allclose(places, [[1.0, np.nan], [0.0, 0.0], [0.5, 1.0]])


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6))
def test_the_best_figure_is_on_top(figures: list[float]) -> None:
    rows = [(str(number), "x") for number in range(len(figures))]
    for column in (LOW, HIGH):
        found = {
            (row, column.name): Figure(value, "") for row, value in zip(rows, figures, strict=True)
        }
        _, places = scale_columns(CueTable(rows, [column], found))
        assert ((places >= 0) & (places <= 1)).all()
        best = (min if column is LOW else max)(figures)
        if len(set(figures)) > 1:
            assert places[figures.index(best), 0] == pytest.approx(1.0)
        else:
            assert (places == 0.5).all()


def test_the_earlier_figure_is_kept(files: dict[str, Path]) -> None:
    found = merge([read_figures(kind, files[kind]) for kind in ("verification", "probes carried")])
    assert found.value(OWN, VERIFICATION) == 0.04
    assert found.figures[OWN, VERIFICATION.name].source == "verification.json"
    assert [column.better for column in found.columns] == ["low", "low", "none", "none"]


def test_the_command_without_speech(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    options = []
    for kind, file in files.items():
        name = kind.removeprefix("probes ").replace("carried", "probes").replace("_", "-")
        options += [f"--{name}", str(file)]
    options += ["--plot", str(tmp_path / "c.png"), "--markdown", str(tmp_path / "c.md")]
    assert main([*options, "--json", str(tmp_path / "c.json")]) == 0
    printed = capsys.readouterr().out
    assert "intra-session EER %" in printed and "figures are missing" in printed
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    assert printed.splitlines()[0] == (tmp_path / "c.md").read_text().splitlines()[0]
    rows = {
        (one["encoder"], one["cue"]): one["figures"]
        for one in json.loads((tmp_path / "c.json").read_text())["rows"]
    }
    assert rows[OWN]["SI-SDRi clean-2"]["value"] == 9.5
    assert rows[PEER]["intra-session EER"] is None
    assert main(["--verification", str(tmp_path / "none.json")]) == 1
    assert "cannot be opened" in capsys.readouterr().err


def test_the_command_with_speech(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from eval.cues import __main__ as command

    class Made:
        def as_dict(self) -> dict[str, Any]:
            return DOCUMENTS["probes carried"]["carried"][0]

    monkeypatch.setattr(command, "run_carried", lambda *settings: [Made()])
    target = tmp_path / "c.json"
    assert main(["--data", str(tmp_path), "--json", str(target)]) == 0
    assert "gender %" in capsys.readouterr().out
    report = json.loads(target.read_text())
    assert report["rows"][0]["figures"]["gender"] == {"value": 0.9, "source": "measured here"}
    assert report["probes"]["carried"] == DOCUMENTS["probes carried"]["carried"]
